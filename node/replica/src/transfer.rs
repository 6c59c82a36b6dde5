//! When a whole state is fetched instead of single batches, and what changes when it is there (rules S-1, S-4, S-5).
//!
//! Which parts are asked of whom, and whether they are believed, is decided outside: by the room that holds the tree. Agreement names
//! the target, which is only ever a checkpoint certificate, stops executing, and goes on from the state that it is told of.

use tetrarch_types::{
    Applied, CheckpointCertificate, MessageKind, Now, Refusal, ReplicaId, SeqNum, Supply, TransactionId,
};

use crate::spent::Spent;
use crate::{Effect, Effects, Event, Ignored, Replica};

/// A state that is being fetched.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) certificate: CheckpointCertificate,
    /// No peer holds it any more.
    gone: bool,
}

impl Replica {
    /// Whether batches may be handed to execution: not while the state is being replaced, or has to be.
    pub(crate) const fn may_execute(&self) -> bool {
        !self.damaged && self.transfer.is_none()
    }

    /// Fetches a whole state if that is what is due.
    pub(crate) fn try_transfer(&mut self, now: Now, effects: &mut Effects) {
        if let Some(certificate) = self.transfer_due() {
            self.start_transfer(now, certificate, effects);
        }
    }

    fn transfer_due(&self) -> Option<CheckpointCertificate> {
        let ahead = self.checkpoints.ahead.as_ref();
        if let Some(target) = &self.transfer {
            return ahead.filter(|ahead| target.gone && ahead.seq > target.certificate.seq).cloned();
        }
        if self.damaged {
            return ahead.cloned().or_else(|| self.last_resort());
        }
        // However far behind: a state takes its time, in which the others move on, and may never be recent enough where the log is.
        ahead.filter(|ahead| self.is_log_fruitless() && ahead.seq > self.dispatched).cloned()
    }

    /// The last checkpoint that this replica knew to be stable; or, once a quorum knows of none, the start of the chain.
    fn last_resort(&self) -> Option<CheckpointCertificate> {
        let stable = &self.checkpoints.stable;
        (!stable.is_genesis() || self.standing.voting || self.standing.until.is_some()).then(|| stable.clone())
    }

    fn start_transfer(&mut self, now: Now, certificate: CheckpointCertificate, effects: &mut Effects) {
        self.catch_up.start_over();
        self.timers.progress = now.time;
        effects.observe(Event::Transferring { checkpoint: certificate.seq });
        effects.push(Effect::FetchState(certificate.clone()));
        self.transfer = Some(Target { certificate, gone: false });
    }

    /// The state here is not to be built on: it differs from the agreed one, or was found damaged.
    pub(crate) fn give_up_state(&mut self, now: Now, agreed: CheckpointCertificate, effects: &mut Effects) {
        self.damaged = true;
        self.checkpoints.roots.clear();
        self.transfer = None;
        if self.checkpoints.ahead.as_ref().is_none_or(|ahead| ahead.seq < agreed.seq) {
            self.checkpoints.ahead = Some(agreed);
        }
        self.try_transfer(now, effects);
    }

    /// Parts of a state, for whoever holds the tree.
    pub(crate) fn on_state(&self, from: ReplicaId, checkpoint: SeqNum, supply: Supply, effects: &mut Effects) {
        if self.transfer.as_ref().is_some_and(|target| target.certificate.seq == checkpoint) {
            effects.push(Effect::StateArrived { from, supply });
        } else {
            effects.observe(Event::ignored(from, MessageKind::Supply, Ignored::Unasked));
        }
    }

    /// Nobody who answers holds the target any more (rule S-5).
    pub(crate) fn on_state_gone(&mut self, now: Now, checkpoint: SeqNum, effects: &mut Effects) {
        if let Some(target) = self.transfer.as_mut().filter(|target| target.certificate.seq == checkpoint) {
            target.gone = true;
            // Its answers tell of what is stable by now.
            self.say_status(now, effects);
            self.try_transfer(now, effects);
        }
    }

    /// The state at a stable checkpoint is installed and durable: agreement goes on from it.
    pub(crate) fn on_installed(
        &mut self,
        now: Now,
        certificate: CheckpointCertificate,
        applied: Applied,
        effects: &mut Effects,
    ) {
        if self.transfer.as_ref().is_none_or(|target| target.certificate != certificate) {
            return;
        }
        self.transfer = None;
        let was_damaged = std::mem::take(&mut self.damaged);
        self.lead_from = self.known().max(self.dispatched);
        self.take_state(now, applied, effects);
        let seq = certificate.seq;
        self.checkpoints.installed(&certificate);
        effects.observe(Event::StateInstalled { checkpoint: seq });
        self.timers.progress = now.time;
        if seq > self.checkpoints.stable.seq {
            self.stabilise(now, certificate, effects);
        }
        if was_damaged {
            self.resume(now, effects);
        }
        self.try_execute(now, effects);
        self.fetch_committed(now, effects);
    }

    /// Brings everything that mirrors the executed state in step with it.
    fn take_state(&mut self, now: Now, applied: Applied, effects: &mut Effects) {
        self.dispatched = applied.executed;
        self.executed = applied.executed;
        self.shown = self.shown.max(applied.executed);
        self.agreed_time = applied.agreed_time;
        self.set_alarm(now, applied.alarm);
        self.last_stamp = self.last_stamp.max(applied.agreed_time);
        self.next_seq = self.next_seq.max(applied.executed.next());
        self.spent = Spent::new(applied.senders);
        self.in_flight.retain(|_, seq| *seq > applied.executed);
        for (transaction, nonce) in self.spent_in_pool() {
            self.pool.remove(&transaction);
            effects.push(Effect::Refuse { transaction, refusal: Refusal::NonceSpent { nonce } });
        }
    }

    fn spent_in_pool(&self) -> Vec<(TransactionId, u64)> {
        let spent = self.pool.iter().filter(|(_, it)| self.spent.contains(&it.body.sender, it.body.nonce));
        spent.map(|(id, it)| (*id, it.body.nonce)).collect()
    }
}
