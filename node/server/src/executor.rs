//! The thread that owns the state: it executes decided batches in order, and puts a fetched state in the place of its own.
//!
//! ```text
//!   driver ── Execute ──▶ execute ──▶ Executed, Snapshotted ──▶ inbox; results ──▶ egress
//!          ── ExecuteTentatively ──▶ work out, change nothing
//!          ── ReplyTentatively   ──▶ results ──▶ egress
//!          ── Stable  ──▶ snapshots that nobody needs leave the disk
//!          ── Fetch   ──▶ installation ──asks──▶ peers
//!          ── Arrived ──▶ installation ──parts, each checked──▶ state ──▶ StateInstalled ──▶ inbox
//! ```

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use tetrarch_kv::{Executed, Execution, InstallEvent, Installation, StateMachine, StoredReply};
use tetrarch_replica::{Input, PreparedBatch, Recipients};
use tetrarch_storage::{Store, StoreError};
use tetrarch_types::{
    Applied, CheckpointCertificate, CommittedBatch, Payload, ReplicaId, SeqNum, Supply, TransferProgress, View,
};

use crate::clock::Clock;
use crate::counters::{Count, Counts};
use crate::desk::Parking;
use crate::egress::Parcel;
use crate::health::{Halt, Health};
use crate::inbox::Inbox;
use crate::outbox::Outbox;

/// What the driver has done to the state.
pub(crate) enum Job {
    /// A decided batch, the next one; whether the journal has it prepared.
    Execute { batch: CommittedBatch, prepared: bool },
    /// What the next batch would come to, before it is decided.
    ExecuteTentatively(PreparedBatch),
    /// Its clients may be told.
    ReplyTentatively { view: View, seq: SeqNum },
    /// A checkpoint is stable.
    Stable(SeqNum),
    /// The state at this checkpoint is to replace the one here.
    Fetch(CheckpointCertificate),
    /// A peer's answer to what was asked for it.
    Arrived { from: ReplicaId, supply: Supply },
}

/// How far the state transfer under way is; shared with the status.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<(Option<TransferProgress>, u64)>>);

impl Progress {
    /// The transfer under way, and the rows that all transfers brought so far.
    pub(crate) fn read(&self) -> (Option<TransferProgress>, u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, progress: Option<TransferProgress>, rows: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (progress, rows);
    }
}

/// Executes, installs, and tells the replica and egress.
pub(crate) struct Executor<M, S> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) installation: Installation,
    /// What was worked out last of a batch that is not decided: its view and number, and the replies.
    pub(crate) tentative: Option<(View, SeqNum, Vec<StoredReply>)>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) egress: SyncSender<Parcel>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) progress: Progress,
    pub(crate) parking: Arc<Parking>,
    pub(crate) health: Arc<Health>,
    pub(crate) clock: Clock,
    pub(crate) counts: Counts,
}

impl<M: StateMachine, S: Store> Executor<M, S> {
    /// Works until the driver is gone, or until something fails: then the node halts, and nothing is tried again.
    pub(crate) fn run(mut self, jobs: Receiver<Job>) {
        while let Some(job) = self.next(&jobs) {
            if self.health.halted().is_some() {
                return;
            }
            if let Err(halt) = self.carry_out(job) {
                return self.health.halt(halt);
            }
        }
    }

    /// The next job, or none of them when the installation's time has come first. None when the driver is gone.
    #[expect(clippy::option_option, reason = "the outer one ends the loop")]
    fn next(&self, jobs: &Receiver<Job>) -> Option<Option<Job>> {
        let Some(due) = self.installation.deadline() else { return jobs.recv().ok().map(Some) };
        match jobs.recv_timeout(due.since(self.clock.time())) {
            Ok(job) => Some(Some(job)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn carry_out(&mut self, job: Option<Job>) -> Result<(), Halt> {
        match job {
            Some(Job::Execute { batch, prepared }) => self.execute(&batch, prepared),
            Some(Job::ExecuteTentatively(batch)) => {
                self.execute_tentatively(batch);
                Ok(())
            }
            Some(Job::ReplyTentatively { view, seq }) => {
                self.reply_tentatively(view, seq);
                Ok(())
            }
            Some(Job::Stable(checkpoint)) => {
                self.forget_snapshots(checkpoint);
                Ok(())
            }
            Some(Job::Fetch(target)) => self.install(|it, state, now, out| it.begin(state, target, now, out)),
            Some(Job::Arrived { from, supply }) => {
                self.install(|it, state, now, out| it.arrived(state, now, from, supply, out))
            }
            None => self.install(|it, state, now, out| it.wake(state, now, out)),
        }
    }

    fn execute(&self, batch: &CommittedBatch, prepared: bool) -> Result<(), Halt> {
        let doing = || format!("executing batch {}", batch.seq);
        let executed = if prepared { self.state.execute(batch) } else { self.state.execute_durably(batch) };
        let executed = executed.map_err(|error| Halt::of_execution(&doing(), error))?;
        self.report(executed);
        Ok(())
    }

    /// What cannot be worked out is not told; if that is this node's own fault, the execution of what is decided finds it again.
    fn execute_tentatively(&mut self, PreparedBatch { view, seq, batch, transactions }: PreparedBatch) {
        let replies = self.state.execute_tentatively(seq, &batch, &transactions);
        let replies = replies.inspect_err(|error| tracing::warn!(%seq, %error, "nobody is told before the decision"));
        self.tentative = replies.ok().map(|replies| (view, seq, replies));
    }

    fn reply_tentatively(&mut self, view: View, seq: SeqNum) {
        if let Some((_, _, replies)) = self.tentative.take().filter(|(of, at, _)| (*of, *at) == (view, seq)) {
            self.counts.add(Count::BatchesToldEarly);
            // Egress ends only after this thread: a failure here means that it panicked, and the node has halted.
            self.egress.send(Parcel::Tentative { view, replies }).ok();
        }
    }

    fn report(&self, executed: Executed) {
        let seq = executed.seq;
        self.parking.post(seq);
        self.counts.add(Count::BatchesExecuted);
        self.counts.add_many(Count::TransactionsExecuted, executed.replies.len());
        self.inbox.report(Input::Executed { seq, alarm: executed.alarm, leaves: executed.leaves });
        if let Some(state_root) = executed.checkpoint {
            self.inbox.report(Input::Snapshotted { seq, state_root });
        }
        if let Some(error) = &executed.snapshot_error {
            tracing::warn!(%seq, %error, "no snapshot of this checkpoint: proofs and state transfer use the one before");
        }
        // Egress ends only after this thread: a failure here means that it panicked, and the node has halted.
        self.egress.send(Parcel::Executed(executed)).ok();
    }

    /// Votes do not depend on snapshots: one that cannot be removed is said, and tried again with the next checkpoint.
    fn forget_snapshots(&self, stable: SeqNum) {
        if let Err(error) = self.state.retire_snapshots(stable, self.clock.time()) {
            tracing::warn!(%error, "an old snapshot could not be removed");
        }
    }

    fn install(
        &mut self,
        step: impl FnOnce(
            &mut Installation,
            &Execution<M, S>,
            tetrarch_types::Time,
            &mut Vec<InstallEvent>,
        ) -> Result<(), StoreError>,
    ) -> Result<(), Halt> {
        let mut events = Vec::new();
        let done = step(&mut self.installation, &self.state, self.clock.time(), &mut events);
        self.progress.post(self.installation.progress(), self.installation.rows());
        done.map_err(|error| Halt::of_store("installing a fetched state", error))?;
        events.into_iter().for_each(|event| self.tell(event));
        Ok(())
    }

    fn tell(&self, event: InstallEvent) {
        match event {
            InstallEvent::Ask { to, fetch } => {
                self.counts.add(Count::StateFetches);
                self.outbox.send(Recipients::One(to), Payload::Fetch(fetch));
            }
            InstallEvent::Liar { peer } => {
                self.counts.add(Count::StateLiars);
                tracing::warn!(%peer, "a peer sent a part of the state that is not what a quorum signed; it is not asked again");
            }
            InstallEvent::Installed { certificate, applied } => self.installed(certificate, applied),
            InstallEvent::Gone { checkpoint } => self.inbox.report(Input::StateGone { checkpoint }),
        }
    }

    fn installed(&self, certificate: CheckpointCertificate, applied: Box<Applied>) {
        let (_, rows) = self.progress.read();
        tracing::info!(checkpoint = %certificate.seq, root = %certificate.state_root, rows, "state installed");
        self.parking.post(certificate.seq);
        self.inbox.report(Input::StateInstalled { certificate, applied });
    }
}
