//! What a client was told stays true: every answer about a transaction is the same, and at the end every honest replica knows it.

use std::collections::BTreeMap;

use tetrarch_kv::StoredReply;
use tetrarch_types::{Outcome, ReplicaId, SeqNum, TransactionId};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Durability(BTreeMap<TransactionId, (SeqNum, Outcome)>);

impl Durability {
    fn kept(&self, by: ReplicaId, id: &TransactionId, reply: Option<&StoredReply>) -> Verdict {
        let Some(told) = self.0.get(id) else { return Ok(()) };
        let kept = reply.map(|reply| (reply.seq, reply.outcome.clone()));
        ensure(kept.as_ref() == Some(told), || match kept {
            Some((seq, _)) => {
                format!("a client was told of {id} in {}, replica {by} has something else in {seq}", told.0)
            }
            None => format!("a client was told of {id} in {}, and replica {by} knows nothing of it", told.0),
        })
    }
}

impl Oracle for Durability {
    fn name(&self) -> &'static str {
        "durability"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Told { answer, .. } => {
                let told = (answer.seq, answer.outcome.clone());
                let first = self.0.entry(answer.transaction).or_insert_with(|| told.clone());
                ensure(*first == told, || format!("a client was told two things of {}", answer.transaction))
            }
            Sight::Kept { by, transaction, reply } => self.kept(*by, transaction, reply.as_ref()),
            _ => Ok(()),
        }
    }
}
