//! One result: honest replicas come to the same results at one sequence number, and again to the same after a crash.

use std::collections::BTreeMap;

use tetrarch_kv::Executed;
use tetrarch_types::{ReplicaId, SeqNum};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Execution(BTreeMap<SeqNum, (Executed, ReplicaId)>);

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
        let Sight::Executed { by, executed } = sight else { return Ok(()) };
        let (held, first) = self.0.entry(executed.seq).or_insert_with(|| (executed.clone(), *by));
        ensure(is_same(held, executed), || {
            format!("replicas {first} and {by} come to different results or states at {}", executed.seq)
        })
    }
}
