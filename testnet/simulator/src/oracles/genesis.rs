//! Replay from genesis: the decided batches, executed once more on an empty store that never fails, give the root of every checkpoint
//! and the final state that the replicas have: also those that crashed, repaired themselves, or came by state transfer.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_kv::{Execution, Retention, StateMachine};
use tetrarch_replica::Record;
use tetrarch_storage::MemoryStore;
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId, SeqNum};

use super::order::Order;
use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;
use crate::state_digest::state_digest;

/// See the module.
#[derive(Default)]
pub(super) struct Genesis<M> {
    machine: M,
    order: Order,
    /// The first root that was seen for a checkpoint, executed or certified; whether others differ is for another oracle.
    roots: BTreeMap<SeqNum, Digest>,
    /// Where each replica ended.
    ends: Vec<(ReplicaId, SeqNum, Digest)>,
}

impl<M: StateMachine + Default + Clone> Genesis<M> {
    fn replay(&self, rules: &Rules) -> Result<Verdict, String> {
        let membership = membership(rules);
        // A clone of the store is a copy of it, so it is shared, and read where it is.
        let store = std::sync::Arc::new(MemoryStore::new());
        let tables = Execution::<M, std::sync::Arc<MemoryStore>>::rooted_tables(&self.machine);
        let broken = |what: &dyn std::fmt::Display| format!("the replay itself fails: {what}");
        Execution::<M, _>::init(&store, &membership).map_err(|error| broken(&error))?;
        let retention = Retention { batches: 1, bytes: 0 };
        let execution = Execution::open(self.machine.clone(), store.clone(), &membership, retention);
        let execution = execution.map_err(|error| broken(&error))?;
        for batch in self.order.batches() {
            let executed = execution.execute(batch).map_err(|error| broken(&error))?;
            execution.retire_snapshots(batch.seq).map_err(|error| broken(&error))?;
            let verdict = self.compare_root(batch.seq, executed.checkpoint);
            let state = || state_digest(&store, &tables).map_err(|error| broken(&error));
            if verdict.is_err() {
                return Ok(verdict);
            }
            if self.ends.iter().any(|(_, seq, _)| *seq == batch.seq) {
                let verdict = self.compare_ends(batch.seq, state()?);
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

fn membership(rules: &Rules) -> Membership {
    let parameters = Parameters { checkpoint_interval: rules.checkpoint_interval, window: rules.window };
    Membership::new(rules.scope.genesis, Epoch::new(rules.scope.epoch), parameters, rules.keys.clone())
}

impl<M: StateMachine + Default + Clone> Oracle for Genesis<M> {
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
