//! Decided batches, carried out in order on a thread of their own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use tetrarch_kv::{Executed, Execution, StateMachine};
use tetrarch_replica::Input;
use tetrarch_storage::Store;
use tetrarch_types::CommittedBatch;

use crate::counters::{Count, Counts};
use crate::egress::Parcel;
use crate::health::{Halt, Health};
use crate::inbox::Inbox;

/// Executes, and tells the replica and egress.
pub(crate) struct Executor<M, S> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) egress: SyncSender<Parcel>,
    pub(crate) health: Arc<Health>,
    pub(crate) counts: Counts,
}

impl<M: StateMachine, S: Store> Executor<M, S> {
    /// Executes what comes until the driver is gone, or until something fails: then the node halts, and nothing is tried again.
    pub(crate) fn run(self, batches: Receiver<CommittedBatch>) {
        for batch in batches {
            if self.health.halted().is_some() {
                return;
            }
            match self.state.execute(&batch) {
                Ok(executed) => self.report(executed),
                Err(error) => {
                    return self.health.halt(Halt::while_doing(&format!("executing batch {}", batch.seq), error));
                }
            }
        }
    }

    fn report(&self, executed: Executed) {
        let seq = executed.seq;
        self.counts.add(Count::BatchesExecuted);
        self.counts.add_many(Count::TransactionsExecuted, executed.replies.len());
        self.inbox.report(Input::Executed { seq });
        if let Some(state_root) = executed.checkpoint {
            self.inbox.report(Input::Snapshotted { seq, state_root });
        }
        // Egress ends only after this thread: a failure here means that it panicked, and the node has halted.
        self.egress.send(Parcel::Executed(executed)).ok();
    }
}
