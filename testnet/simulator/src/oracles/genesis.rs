//! Replay from genesis: the decided batches, executed once more on an empty store that never fails, give the root of every checkpoint
//! and the final state that the replicas have: also those that crashed, repaired themselves, or came by state transfer.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use tetrarch_crypto::Digest;
use tetrarch_kv::{Execution, Retention, StateMachine};
use tetrarch_replica::Record;
use tetrarch_storage::MemoryStore;
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId, SeqNum, Time};

use super::order::Order;
use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;
use crate::state_digest::state_digest;
use crate::workload::Workload;

/// The workload's machine on a store that never fails.
type Replayed = Execution<Box<dyn StateMachine>, Arc<MemoryStore>>;

/// See the module.
pub(super) struct Genesis {
    workload: Arc<dyn Workload>,
    order: Order,
    /// The first root that was seen for a checkpoint, executed or certified; whether others differ is for another oracle.
    roots: BTreeMap<SeqNum, Digest>,
    /// Where each replica ended.
    ends: Vec<(ReplicaId, SeqNum, Digest)>,
}

impl Genesis {
    pub(super) fn new(workload: Arc<dyn Workload>) -> Self {
        Self { workload, order: Order::default(), roots: BTreeMap::new(), ends: Vec::new() }
    }

    fn replay(&self, rules: &Rules) -> Result<Verdict, String> {
        let membership = membership(rules);
        // A clone of the store is a copy of it, so it is shared, and read where it is.
        let store = Arc::new(MemoryStore::new());
        let tables = Replayed::rooted_tables(&self.workload.machine());
        Replayed::init(&store, &membership).map_err(broken)?;
        let retention = Retention { batches: 1, bytes: 0 };
        let execution =
            Replayed::open(self.workload.machine(), store.clone(), &membership, retention).map_err(broken)?;
        for batch in self.order.batches() {
            let executed = execution.execute(batch).map_err(broken)?;
            execution.retire_snapshots(batch.seq, Time::ZERO).map_err(broken)?;
            let verdict = self.compare_root(batch.seq, executed.checkpoint);
            if verdict.is_err() {
                return Ok(verdict);
            }
            if self.ends.iter().any(|(_, seq, _)| *seq == batch.seq) {
                let verdict = self.compare_ends(batch.seq, state_digest(&store, &tables).map_err(broken)?);
                if verdict.is_err() {
                    return Ok(verdict);
                }
            }
        }
        Ok(self.reached(execution.executed()))
    }

    fn compare_root(&self, seq: SeqNum, replayed: Option<Digest>) -> Verdict {
        let seen = self.roots.get(&seq).copied();
        ensure(seen.is_none() || seen == replayed, || {
            format!("the checkpoint at {seq} has root {seen:?}, and the replay from genesis {replayed:?}")
        })
    }

    fn compare_ends(&self, seq: SeqNum, replayed: Digest) -> Verdict {
        let differs = self.ends.iter().find(|(_, end, state)| *end == seq && *state != replayed);
        ensure(differs.is_none(), || {
            let by = differs.map(|(by, ..)| by.get()).unwrap_or_default();
            format!("replica {by} ends with another state at {seq} than the replay from genesis")
        })
    }

    fn reached(&self, last: SeqNum) -> Verdict {
        let beyond = self.ends.iter().find(|(_, end, _)| *end > last);
        ensure(beyond.is_none(), || format!("a replica ends behind batch {last}, the last that anyone executed"))
    }
}

fn broken(error: impl Display) -> String {
    format!("the replay itself fails: {error}")
}

fn membership(rules: &Rules) -> Membership {
    let parameters = Parameters { checkpoint_interval: rules.checkpoint_interval, window: rules.window };
    Membership::new(rules.scope.genesis, Epoch::new(rules.scope.epoch), parameters, rules.keys.clone())
}

impl Oracle for Genesis {
    fn name(&self) -> &'static str {
        "replay-from-genesis"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Executing { batch, .. } => self.order.learn(batch),
            Sight::Executed { executed, .. } => {
                if let Some(root) = executed.checkpoint {
                    self.roots.entry(executed.seq).or_insert(root);
                }
            }
            Sight::Recorded { record: Record::Stable(it), .. } => {
                self.roots.entry(it.seq).or_insert(it.state_root);
            }
            Sight::Ended { by, executed, state } => self.ends.push((*by, *executed, *state)),
            _ => {}
        }
        Ok(())
    }

    fn conclude(&mut self, rules: &Rules) -> Verdict {
        self.replay(rules)?
    }
}
