//! Giving up a view: VIEW-CHANGE, joining, and the wait for the NEW-VIEW.

use tetrarch_crypto::mutated;
use tetrarch_types::{Message, MessageKind, Now, Payload, PreparedCertificate, ReplicaId, Signed, View, ViewChange};

use crate::{Effects, Event, Ignored, Recipients, Record, Replica, ViewChangeReason};

impl Replica {
    /// Leaves the current view for `target` (rule V-3): durable first, then the VIEW-CHANGE. From here on nothing is voted in the
    /// views below (rule V-8).
    pub(crate) fn start_view_change(
        &mut self,
        now: Now,
        target: View,
        reason: ViewChangeReason,
        effects: &mut Effects,
    ) {
        // Behind the last view there is comes the last again: it would be entered a second time.
        if !self.votes() || target <= self.view {
            return;
        }
        self.move_to(now, target, effects);
        effects.observe(Event::ViewChangeStarted { view: target, reason });
        self.say_view_change(effects);
        self.try_start_view(now, effects);
    }

    /// Leaves the current view, durably.
    pub(crate) fn move_to(&mut self, now: Now, target: View, effects: &mut Effects) {
        self.forget_turnaround(now);
        self.view = target;
        self.changing = true;
        self.starting = None;
        self.timers.new_view = None;
        self.timers.overtaken = None;
        self.timers.progress = now.time;
        self.timers.failures = self.views_failed();
        if !mutated!(VotesWhileChanging) {
            self.log.iter_mut().for_each(|(_, slot)| slot.assignment = None);
        }
        self.promise_in(Record::ViewChanging { view: target }, effects);
    }

    /// How many views came to an end without anything executed in them, up to this one.
    pub(crate) fn views_failed(&self) -> u32 {
        let failed = self.view.get().saturating_sub(self.progress_view.get());
        u32::try_from(failed).unwrap_or(u32::MAX)
    }

    /// Rule V-10: the batch that was just executed asks the primary of a view to give way. Nothing is kept of that: a replica that is not in
    /// exactly that view, or may not vote, will not leave it for this reason later either.
    pub(crate) fn leave_if_asked(&mut self, now: Now, leaves: Option<View>, effects: &mut Effects) {
        if leaves == Some(self.view) && !self.changing && self.votes() {
            self.start_view_change(now, self.view.next(), ViewChangeReason::Asked, effects);
            // The view has not failed: what comes behind it is not given more time for that (rule V-7).
            self.progress_view = self.progress_view.next();
        }
    }

    /// Sends this replica's VIEW-CHANGE: the one it sent before for the same view, if it did.
    pub(crate) fn say_view_change(&self, effects: &mut Effects) {
        let sent = self.view_changes.of(self.config.id, self.view);
        let payload = match sent {
            Some(sent) => Payload::Again(Box::new(Message::ViewChange(sent.clone()))),
            None => Payload::ViewChange(self.view_change()),
        };
        effects.send(Recipients::Everyone, payload);
    }

    /// Rule A-4: what this replica may have committed at or below a checkpoint that an answer showed nobody can tell it. It names that
    /// checkpoint, so that no view begins as if it had committed nothing there.
    fn view_change(&self) -> ViewChange {
        let stable = self.known_from().clone();
        let slots = self.log.above(stable.seq).take_while(|(seq, _)| self.log.in_window(*seq));
        let prepared: Vec<PreparedCertificate> = slots.filter_map(|(_, slot)| slot.prepared.clone()).collect();
        ViewChange { view: self.view, stable, prepared }
    }

    pub(crate) fn on_view_change(&mut self, now: Now, signed: Signed<ViewChange>, effects: &mut Effects) {
        let from = signed.signer;
        self.learn_certificate(now, signed.payload.stable.clone(), effects);
        if signed.payload.view < self.view || (signed.payload.view == self.view && !self.changing) {
            self.answer_late_view_change(now, &signed, effects);
            return effects.observe(Event::ignored(from, MessageKind::ViewChange, Ignored::OldView));
        }
        // Rule B-1: of each member its highest view counts, and one below it that it asks for later.
        if !self.view_changes.keep(self.view, signed) {
            return effects.observe(Event::ignored(from, MessageKind::ViewChange, Ignored::Duplicate));
        }
        self.try_join(now, effects);
        self.try_start_view(now, effects);
        self.arm_new_view_timer(now);
    }

    /// A member that still asks for the view this replica is in lacks its NEW-VIEW.
    fn answer_late_view_change(&mut self, now: Now, late: &Signed<ViewChange>, effects: &mut Effects) {
        if late.payload.view <= self.view && !self.changing && late.signer != self.config.id {
            self.pass_on_new_view(now, late.signer, effects);
        }
    }

    /// Hands a peer the NEW-VIEW of the current view, which may be large: to each no more often than a replica that waits asks.
    pub(crate) fn pass_on_new_view(&mut self, now: Now, to: ReplicaId, effects: &mut Effects) {
        let pause = self.config.retransmit_interval;
        let is_early = self.passed_on.get(&to).is_some_and(|last| now.time < last.after(pause));
        if let Some(new_view) = self.new_view.as_ref().filter(|_| !is_early) {
            let again = Payload::Again(Box::new(Message::NewView(new_view.clone())));
            effects.send(Recipients::One(to), again);
            self.passed_on.insert(to, now.time);
        }
    }

    /// Rule V-4: f + 1 members that moved higher cannot all be lying about the need for it.
    pub(crate) fn try_join(&mut self, now: Now, effects: &mut Effects) {
        let views: Vec<View> = self.view_changes.above(self.view).collect();
        if views.len() >= self.config.membership.weak_quorum()
            && let Some(smallest) = views.into_iter().min()
        {
            self.start_view_change(now, smallest, ViewChangeReason::Joined, effects);
        }
    }

    /// Rule V-7: the time for the NEW-VIEW starts when a quorum has moved, not before, so that replicas that are apart do not
    /// run away from each other.
    fn arm_new_view_timer(&mut self, now: Now) {
        let moved = self.view_changes.reached(self.view);
        if self.changing && self.timers.new_view.is_none() && moved >= self.config.membership.quorum() {
            self.timers.new_view = Some(now.time.after(self.timers.new_view_timeout(&self.config)));
        }
    }
}
