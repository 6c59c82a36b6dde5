//! Agreement and one order: at one sequence number honest replicas execute one batch, and each replica executes without gaps.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_replica::Event;
use tetrarch_types::{ReplicaId, SeqNum};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Agreement {
    decided: BTreeMap<SeqNum, (Digest, ReplicaId)>,
    last: BTreeMap<ReplicaId, SeqNum>,
}

impl Agreement {
    fn decide(&mut self, by: ReplicaId, seq: SeqNum, digest: Digest) -> Verdict {
        let (held, first) = *self.decided.entry(seq).or_insert((digest, by));
        ensure(held == digest, || {
            format!("replica {by} decided batch {digest:?} at {seq}, where replica {first} decided {held:?}")
        })
    }

    fn follow(&mut self, by: ReplicaId, seq: SeqNum) -> Verdict {
        let last = self.last.insert(by, seq).unwrap_or_default();
        ensure(last.next() == seq, || format!("replica {by} gave out batch {seq} to execution after {last}"))
    }
}

impl Oracle for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Executing { by, batch } => {
                self.decide(*by, batch.seq, batch.batch.digest())?;
                self.follow(*by, batch.seq)
            }
            Sight::Observed { by, event: Event::Committed { seq, digest } } => self.decide(*by, *seq, *digest),
            Sight::Restarted { by, executed } => {
                self.last.insert(*by, *executed);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
