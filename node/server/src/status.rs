//! How the node is, in its own words.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tetrarch_kv::{Execution, StateMachine};
use tetrarch_replica::{Replica, ReplicaStatus};
use tetrarch_storage::Store;
use tetrarch_types::{CheckpointCertificate, NodeMode, NodeStatus, Recovery, SeqNum, Time};

use crate::Identity;
use crate::clock::Clock;
use crate::executor::Progress;
use crate::health::Health;

/// A replica this far behind what it knows to be decided is catching up; a few batches behind is ordinary pipelining.
const BEHIND: u64 = 32;

/// Where the replica stood after the driver's last turn.
pub(crate) struct Board(Mutex<Posted>);

struct Posted {
    status: ReplicaStatus,
    stable: CheckpointCertificate,
    /// When the replica was first in step with the others.
    level: Option<Time>,
}

impl Board {
    pub(crate) fn new(replica: &Replica) -> Self {
        Self(Mutex::new(Posted { status: replica.status(), stable: replica.stable().clone(), level: None }))
    }

    pub(crate) fn post(&self, now: Time, status: ReplicaStatus, stable: &CheckpointCertificate) {
        let mut posted = self.lock();
        if posted.level.is_none() && status.level {
            posted.level = Some(now);
            tracing::info!(executed = %status.executed, after_ms = now.as_micros() / 1_000, "in step with the others");
        }
        posted.status = status;
        if posted.stable.seq < stable.seq {
            posted.stable = stable.clone();
        }
    }

    fn status(&self) -> ReplicaStatus {
        self.lock().status.clone()
    }

    /// See [`ReplicaStatus::readable_from`].
    pub(crate) fn readable_from(&self) -> Option<SeqNum> {
        self.lock().status.readable_from()
    }

    fn level(&self) -> Option<Time> {
        self.lock().level
    }

    /// The certificate of the stable checkpoint.
    pub(crate) fn stable(&self) -> CheckpointCertificate {
        self.lock().stable.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        // A poisoned lock means a panic between two assignments, each of which leaves a whole board.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a status together.
pub(crate) struct Report<M, S> {
    pub(crate) identity: Identity,
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) board: Arc<Board>,
    pub(crate) health: Arc<Health>,
    pub(crate) evidence: Arc<AtomicU64>,
    pub(crate) progress: Progress,
    /// How the replica came back when the process started.
    pub(crate) recovery: Recovery,
    pub(crate) clock: Clock,
}

impl<M: StateMachine, S: Store> Report<M, S> {
    pub(crate) fn status(&self) -> NodeStatus {
        let replica = self.board.status();
        let (transfer, rows_fetched) = self.progress.read();
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
            // What cannot be told here will be an error where it is read.
            stored_bytes: self.state.stored_bytes().unwrap_or_default(),
            agreed_time: self.state.agreed_time(),
            pending: replica.pending as u64,
            evidence: self.evidence.load(Ordering::Relaxed),
            uptime_micros: self.clock.time().as_micros(),
            transfer,
            recovery: Recovery {
                level_micros: self.board.level().map(|at| at.as_micros().saturating_sub(self.recovery.disk_micros)),
                rows_fetched,
                ..self.recovery.clone()
            },
        }
    }

    fn mode(&self, replica: &ReplicaStatus) -> NodeMode {
        if let Some(reason) = self.health.halted() {
            NodeMode::Halted(reason.to_owned())
        } else if replica.damaged || replica.transferring.is_some() || replica.known.above(replica.executed) > BEHIND {
            NodeMode::Recovering
        } else if !replica.voting {
            NodeMode::Silent { until: replica.silent_until }
        } else if replica.changing {
            NodeMode::ChangingView
        } else {
            NodeMode::Normal
        }
    }
}
