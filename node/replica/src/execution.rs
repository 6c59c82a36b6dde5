//! Handing decided batches to execution, in order and once.

use std::time::Duration;

use tetrarch_types::{Batch, CommitCertificate, CommittedBatch, Now, Refusal, SeqNum, Timestamp, Transaction, View};

use crate::content::Content;
use crate::{Effect, Effects, Event, Replica, timer};

impl Replica {
    /// Hands out every batch that is decided, whole, and next in order (rule X-1).
    pub(crate) fn try_execute(&mut self, now: Now, effects: &mut Effects) {
        while let Some((committed, content)) = self.next_decided() {
            let (seq, digest) = (committed.seq, committed.certificate.digest);
            effects.observe(Event::Executing { seq, digest });
            let prepared = self.has_prepared(&committed.certificate);
            effects.push(Effect::Execute { batch: committed, prepared });
            self.dispatched = seq;
            self.after_dispatch(now, seq, &content, effects);
        }
    }

    /// Whether its journal shows, or will behind this turn, that it prepared what this certificate decides: in that view or a later one. Of an
    /// earlier view that would be forgotten where the later one did not propose it again (rule X-4), and a primary can propose the same anew.
    fn has_prepared(&self, decided: &CommitCertificate) -> bool {
        let prepared = self.log.get(decided.seq).and_then(|slot| slot.prepared.as_ref());
        prepared.is_some_and(|prepared| prepared.digest == decided.digest && prepared.view >= decided.view)
    }

    fn next_decided(&self) -> Option<(CommittedBatch, Content)> {
        let seq = self.dispatched.next();
        // Nothing follows the last number there is: a state may be certified even there.
        if !self.may_execute() || seq == self.dispatched {
            return None;
        }
        let slot = self.log.get(seq)?;
        let certificate = slot.commit.clone()?;
        let content = slot.complete(&certificate.digest)?.clone();
        let transactions = content.bodies().cloned().collect();
        Some((CommittedBatch { seq, batch: content.batch.clone(), transactions, certificate }, content))
    }

    /// Execution says what the machine waits for, and whether it wants the view left, once everything through `seq` is done.
    pub(crate) fn on_executed(
        &mut self,
        now: Now,
        seq: SeqNum,
        alarm: Option<Timestamp>,
        leaves: Option<View>,
        effects: &mut Effects,
    ) {
        if seq <= self.executed {
            return;
        }
        self.note_crowding(now);
        self.executed = seq;
        self.shown = self.shown.max(seq);
        self.turnaround.note_executed(now.time, seq);
        // While batches were executing, nobody else was waited for (rule V-1).
        self.timers.excused = now.time;
        self.timers.propose = true;
        self.expect_clients_back(now.time);
        self.set_alarm(now, alarm);
        self.leave_if_asked(now, leaves, effects);
        // An empty batch behind it can be judged now.
        self.try_accept(now, seq.next(), effects);
    }

    /// Whether nothing that was handed out is executing still.
    pub(crate) fn has_executed_all(&self) -> bool {
        self.executed == self.dispatched
    }

    /// Brings pool, nonces, agreed time and timers in step with a batch that will execute.
    fn after_dispatch(&mut self, now: Now, seq: SeqNum, content: &Content, effects: &mut Effects) {
        self.agreed_time = self.agreed_time.max(content.batch.timestamp);
        self.last_stamp = self.last_stamp.max(self.agreed_time);
        let kept = self.doublings_kept(now, &content.batch);
        self.gathering.note_dispatched(content.batch.transactions.len());
        let mut latest_arrival = None;
        for (id, body) in content.batch.transactions.iter().zip(content.bodies()) {
            latest_arrival = latest_arrival.max(self.pool.remove(id));
            self.placed.insert(*id, seq);
            self.settle_nonce(seq, body, effects);
        }
        if !content.batch.is_noop() {
            self.spent.forget_idle(self.agreed_time, content.batch.transactions.len());
        }
        self.note_overtaking(now, latest_arrival);
        self.note_progress(now, !content.batch.is_noop(), kept);
        self.fetches.remove(&seq);
        self.catch_up.start_over();
        if seq > self.log.high() {
            self.forget_slot(seq);
        }
    }

    /// The nonce is spent now: whatever else waits under it never executes, nor does what falls out of the window (rule R-2). None of
    /// that may stay in the pool: every backup would refuse a batch with it, view after view.
    fn settle_nonce(&mut self, seq: SeqNum, body: &Transaction, effects: &mut Effects) {
        let (sender, nonce) = (body.body.sender, body.body.nonce);
        self.spent.spend(body, self.agreed_time);
        if self.in_flight.get(&(sender, nonce)).is_some_and(|place| *place <= seq) {
            self.in_flight.remove(&(sender, nonce));
        }
        for (nonce, transaction) in self.pool.remove_spent(&sender, nonce) {
            effects.push(Effect::Refuse { transaction, refusal: Refusal::NonceSpent { nonce } });
        }
    }

    /// Rule V-2: the first waiting request, by arrival, is overtaken when one that arrived later executes.
    fn note_overtaking(&mut self, now: Now, latest_arrival: Option<u64>) {
        self.forget_overtaken();
        let head = self.pool.head().map(|(arrival, _)| arrival);
        if let (Some(head), Some(latest), None) = (head, latest_arrival, self.timers.overtaken)
            && head < latest
        {
            self.timers.overtaken = Some((head, now.time));
        }
    }

    /// What was overtaken and waits no more is no reason to leave, and the next in its place has not waited for as long.
    pub(crate) fn forget_overtaken(&mut self) {
        let head = self.pool.head().map(|(arrival, _)| arrival);
        self.timers.overtaken = self.timers.overtaken.filter(|(arrival, _)| Some(*arrival) == head);
    }

    /// How many doublings of the timeout the next batch needs, of those there are: the last request of this one, of those that clients
    /// brought here, waited in this view for agreement alone, and not for others.
    fn doublings_kept(&self, now: Now, batch: &Batch) -> u32 {
        // As a rule there are none, and nothing need be looked up.
        if self.timers.failures == 0 {
            return 0;
        }
        let last = batch.transactions.iter().filter_map(|id| self.pool.held_since(id)).max();
        let waited = last.map_or(Duration::ZERO, |since| now.time.since(since));
        self.timers.failures.min(timer::doublings(&self.config, waited * 2))
    }

    /// Rule V-7: execution takes back the doubling of the timeout, but for so many; gap fillers do not.
    fn note_progress(&mut self, now: Now, is_real: bool, kept: u32) {
        self.timers.progress = now.time;
        if is_real && !self.changing {
            self.timers.failures = kept;
            self.progress_view = View::new(self.view.get().saturating_sub(self.timers.failures.into()));
        }
        self.timers.propose = true;
    }

    /// Work is about to appear: where there was none, the time that the view is given starts now (rule V-1).
    pub(crate) fn note_work(&mut self, now: Now) {
        if !self.has_work() {
            self.timers.progress = now.time;
        }
    }

    /// Whether there is something that should execute: requests that wait, or slots in agreement.
    pub(crate) fn has_work(&self) -> bool {
        !self.pool.is_empty() || self.is_in_agreement()
    }

    /// Whether any slot above the last one handed out is assigned or decided.
    pub(crate) fn is_in_agreement(&self) -> bool {
        self.log.above(self.dispatched).any(|(_, slot)| slot.assignment.is_some() || slot.commit.is_some())
    }
}
