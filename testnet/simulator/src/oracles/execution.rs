//! One result: honest replicas come to the same results at one sequence number, and again to the same after a crash; and to the same of what is
//! prepared there in one view.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_kv::Executed;
use tetrarch_types::{ReplicaId, SeqNum, TentativeResults, View};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Execution {
    executed: BTreeMap<SeqNum, (Executed, ReplicaId)>,
    /// What somebody was told of a batch that was prepared.
    told: BTreeMap<(View, SeqNum), (Digest, ReplicaId)>,
}

impl Execution {
    fn tell(&mut self, by: ReplicaId, TentativeResults { view, seq, root }: TentativeResults) -> Verdict {
        let (held, first) = *self.told.entry((view, seq)).or_insert((root, by));
        ensure(held == root, || {
            format!("replicas {first} and {by} tell different results of {seq}, prepared in view {view}")
        })
    }

    fn execute(&mut self, by: ReplicaId, executed: &Executed) -> Verdict {
        let (held, first) = self.executed.entry(executed.seq).or_insert_with(|| (executed.clone(), by));
        ensure(is_same(held, executed), || {
            format!("replicas {first} and {by} come to different results or states at {}", executed.seq)
        })
    }
}

/// The same in everything that replicas agree on. Whether there was room for a snapshot is each one's own affair.
fn is_same(one: &Executed, other: &Executed) -> bool {
    one.seq == other.seq
        && one.results_root == other.results_root
        && one.replies == other.replies
        && one.leaves == other.leaves
        && one.checkpoint == other.checkpoint
}

impl Oracle for Execution {
    fn name(&self) -> &'static str {
        "one-result"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::ToldEarly { by, results } => self.tell(*by, *results),
            Sight::Executed { by, executed } => self.execute(*by, executed),
            _ => Ok(()),
        }
    }
}
