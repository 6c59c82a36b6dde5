//! How the node is, in its own words.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tetrarch_kv::{Execution, StateMachine};
use tetrarch_replica::ReplicaStatus;
use tetrarch_storage::Store;
use tetrarch_types::{NodeMode, NodeStatus};

use crate::Identity;
use crate::clock::Clock;
use crate::health::Health;

/// A replica this far behind what it knows to be decided is catching up; a few batches behind is ordinary pipelining.
const BEHIND: u64 = 32;

/// Where the replica stood after the driver's last turn.
pub(crate) struct Board(Mutex<ReplicaStatus>);

impl Board {
    pub(crate) const fn new(status: ReplicaStatus) -> Self {
        Self(Mutex::new(status))
    }

    pub(crate) fn post(&self, status: ReplicaStatus) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    fn read(&self) -> ReplicaStatus {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Puts a status together.
pub(crate) struct Report<M, S> {
    pub(crate) identity: Identity,
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) board: Arc<Board>,
    pub(crate) health: Arc<Health>,
    pub(crate) evidence: Arc<AtomicU64>,
    pub(crate) clock: Clock,
}

impl<M: StateMachine, S: Store> Report<M, S> {
    pub(crate) fn status(&self) -> NodeStatus {
        let replica = self.board.read();
        let (_, state_root) = self.state.last_checkpoint();
        NodeStatus {
            replica: self.identity.id(),
            chain: self.identity.membership().scope().genesis,
            mode: self.mode(&replica),
            view: replica.view,
            primary: self.identity.membership().primary(replica.view),
            executed: self.state.executed(),
            stable_checkpoint: replica.stable,
            state_root,
            // A store that cannot be read shows as revision 0 here, and as an error to whoever reads a key.
            revision: self.state.revision().unwrap_or_default(),
            agreed_time: self.state.agreed_time(),
            pending: replica.pending as u64,
            evidence: self.evidence.load(Ordering::Relaxed),
            uptime_micros: self.clock.time().as_micros(),
        }
    }

    fn mode(&self, replica: &ReplicaStatus) -> NodeMode {
        if let Some(reason) = self.health.halted() {
            NodeMode::Halted(reason.to_owned())
        } else if replica.halted {
            NodeMode::Halted("its state differs from the one that a quorum agreed on".to_owned())
        } else if replica.changing {
            NodeMode::ChangingView
        } else if replica.known.above(replica.executed) > BEHIND {
            NodeMode::Recovering
        } else {
            NodeMode::Normal
        }
    }
}
