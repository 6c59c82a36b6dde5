//! Refusals are certain (rule R-6): of what an honest replica, or f + 1 replicas to a client, call superseded nothing is ever carried
//! out, before or after. And nothing is refused for a flaw that it does not have.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_types::{Refusal, SeqNum, TransactionId};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Refusals {
    /// Sent, and without a flaw.
    issued: BTreeSet<TransactionId>,
    never: BTreeSet<TransactionId>,
    carried_out: BTreeMap<TransactionId, SeqNum>,
}

impl Refusals {
    fn never(&mut self, id: TransactionId) -> Verdict {
        self.never.insert(id);
        match self.carried_out.get(&id) {
            Some(seq) => Err(format!("{id} is said never to be carried out, and was, in batch {seq}")),
            None => Ok(()),
        }
    }

    fn carry_out(&mut self, id: TransactionId, seq: SeqNum) -> Verdict {
        self.carried_out.entry(id).or_insert(seq);
        ensure(!self.never.contains(&id), || {
            format!("{id} is carried out in batch {seq}, and was said never to be: its client may have signed it again")
        })
    }

    fn flawed(&self, id: TransactionId, refusal: &Refusal) -> Verdict {
        ensure(!self.issued.contains(&id), || format!("{id} has no flaw and is refused: {refusal}"))
    }
}

impl Oracle for Refusals {
    fn name(&self) -> &'static str {
        "refusals"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Issued { transaction, .. } => {
                self.issued.insert(transaction.id());
                Ok(())
            }
            Sight::Refused { transaction, refusal, .. } => match refusal {
                Refusal::NonceSpent { .. } => self.never(*transaction),
                Refusal::BadSignature
                | Refusal::WeakKey
                | Refusal::WrongChain { .. }
                | Refusal::TooLarge { .. }
                | Refusal::Malformed(_) => self.flawed(*transaction, refusal),
                _ => Ok(()),
            },
            Sight::ToldNever { transaction } => self.never(*transaction),
            Sight::Executed { executed, .. } => {
                executed.replies.iter().try_for_each(|reply| self.carry_out(reply.transaction, executed.seq))
            }
            _ => Ok(()),
        }
    }
}
