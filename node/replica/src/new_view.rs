//! Starting a view: what follows from a quorum of VIEW-CHANGEs, and NEW-VIEW.

use std::collections::BTreeMap;

use tetrarch_crypto::{Digest, mutated};
use tetrarch_types::{
    Batch, CheckpointCertificate, MessageKind, NewView, Now, Payload, PrePrepare, PreparedCertificate, SeqNum, Signed,
    View, ViewChange,
};

use crate::{Effects, Event, Ignored, Recipients, Record, Replica, ViewChangeReason};

/// What a new view starts from.
pub(crate) struct Foundation {
    /// The highest stable checkpoint among the VIEW-CHANGEs.
    pub(crate) stable: CheckpointCertificate,
    /// What is proposed again: every number above it up to the highest prepared one.
    pub(crate) proposals: Vec<PrePrepare>,
}

/// Rule V-6, the one rule that keeps decisions across views: for each number the prepared certificate of the highest view wins, and
/// numbers that nobody prepared become no-ops.
///
/// A batch that any replica committed was prepared by q replicas; any q VIEW-CHANGEs contain one of an honest replica among them, so
/// it is proposed again.
pub(crate) fn foundation(view: View, view_changes: &[Signed<ViewChange>]) -> Foundation {
    let stable = view_changes.iter().map(|it| &it.payload.stable).max_by_key(|stable| stable.seq);
    let stable = stable.cloned().unwrap_or_else(CheckpointCertificate::genesis);
    let mut highest: BTreeMap<SeqNum, &PreparedCertificate> = BTreeMap::new();
    for certificate in view_changes.iter().flat_map(|it| &it.payload.prepared).filter(|it| it.seq > stable.seq) {
        let held = highest.entry(certificate.seq).or_insert(certificate);
        let (one, other) = if mutated!(LowestViewChosen) { (*held, certificate) } else { (certificate, *held) };
        if one.view > other.view {
            *held = certificate;
        }
    }
    let top = highest.last_key_value().map_or(stable.seq, |(seq, _)| *seq);
    let noop = Batch::noop().digest();
    let digest = |seq: SeqNum| -> Digest { highest.get(&seq).map_or(noop, |certificate| certificate.digest) };
    let numbers = (stable.seq.next().get()..=top.get()).map(SeqNum::new);
    let numbers = numbers.filter(|seq| highest.contains_key(seq) || !mutated!(GapsNotFilled));
    let proposals = numbers.map(|seq| PrePrepare { view, seq, digest: digest(seq) }).collect();
    Foundation { stable, proposals }
}

impl Replica {
    /// As the primary of the view that is being moved to: starts it once q members moved to exactly it (rule V-5).
    pub(crate) fn try_start_view(&mut self, now: Now, effects: &mut Effects) {
        let is_due = self.changing && self.is_primary() && self.starting.is_none() && self.votes();
        let moved = self.view_changes.to(self.view);
        let need = if mutated!(NewViewFromOneViewChange) { 1 } else { self.config.membership.quorum() };
        let view_changes: Vec<_> = moved.take(need).cloned().collect();
        if !is_due || view_changes.len() < need {
            return;
        }
        let proposals = foundation(self.view, &view_changes).proposals;
        // Rule A-4. It may have started this view before, otherwise; VIEW-CHANGEs with its own among them lead to nothing so low.
        if proposals.first().is_some_and(|lowest| !self.may_begin(lowest.seq)) {
            return;
        }
        let payload = Payload::NewView { view: self.view, view_changes, proposals };
        self.starting = Some(payload.clone());
        // Rule D-4: durable first, or a crash could make this primary start its view twice, differently.
        self.promise_in(Record::Starting(payload.clone()), effects);
        effects.send(Recipients::Everyone, payload);
        self.timers.new_view = Some(now.time.after(self.timers.new_view_timeout(&self.config)));
    }

    pub(crate) fn on_new_view(&mut self, now: Now, signed: Signed<NewView>, effects: &mut Effects) {
        let view = signed.payload.view;
        if view < self.view || (view == self.view && !self.changing) {
            let reason = if view < self.view { Ignored::OldView } else { Ignored::SameView };
            return effects.observe(Event::ignored(signed.signer, MessageKind::NewView, reason));
        }
        if self.is_forgotten(&signed) {
            self.note_loss(effects);
            self.judge_answers(now, effects);
        }
        let foundation = foundation(view, &signed.payload.view_changes);
        if !self.follows_from(&signed.payload, &foundation) {
            effects.observe(Event::NewViewRefused { view, from: signed.signer });
            if view == self.view {
                self.start_view_change(now, view.next(), ViewChangeReason::BadNewView, effects);
            }
            return;
        }
        self.enter_view(now, signed, foundation, effects);
    }

    /// Rule V-6: a backup recomputes the re-proposals and compares.
    fn follows_from(&self, new_view: &NewView, foundation: &Foundation) -> bool {
        new_view.proposals.iter().map(|proposal| &proposal.payload).eq(&foundation.proposals)
            || mutated!(ReproposalsNotRecomputed)
    }

    /// Enters a view whose NEW-VIEW holds: durable first (rule D-4), then its re-proposals go through the three phases.
    fn enter_view(&mut self, now: Now, signed: Signed<NewView>, foundation: Foundation, effects: &mut Effects) {
        effects.persist(Record::Entered(signed.clone()));
        self.forget_turnaround(now);
        self.adopt_view(&signed, foundation.stable.seq);
        self.timers.enter(now.time);
        self.timers.failures = self.timers.failures.min(self.views_failed());
        self.pool.unassign_all(now.time);
        let primary = self.config.membership.primary(self.view);
        effects.observe(Event::ViewEntered { view: self.view, primary });
        self.learn_certificate(now, foundation.stable, effects);
        self.take_reproposals(now, &signed.payload.proposals, effects);
        self.try_execute(now, effects);
    }

    /// Sets what belongs to the view; also used by recovery.
    pub(crate) fn adopt_view(&mut self, signed: &Signed<NewView>, stable: SeqNum) {
        self.view = signed.payload.view;
        self.changing = false;
        self.starting = None;
        self.new_view = Some(signed.clone());
        self.view_start = signed.payload.proposals.last().map_or(stable, |proposal| proposal.payload.seq);
        self.next_seq = self.view_start.next();
        self.in_flight.clear();
        self.passed_on.clear();
        // What is proposed again is placed again; the rest of what the last view had in flight is free.
        self.placed.retain(|_, seq| *seq <= self.dispatched);
        self.view_changes.forget_through(signed.payload.view);
        for (_, slot) in self.log.iter_mut() {
            slot.assignment = None;
        }
    }

    /// The window moved: re-proposals that lay above it when this replica entered the view are taken up now.
    pub(crate) fn take_late_reproposals(&mut self, now: Now, effects: &mut Effects) {
        if let Some(new_view) = self.new_view.clone().filter(|_| !self.changing) {
            self.take_reproposals(now, &new_view.payload.proposals, effects);
        }
    }

    fn take_reproposals(&mut self, now: Now, proposals: &[Signed<PrePrepare>], effects: &mut Effects) {
        let noop = Batch::noop();
        let noop_digest = noop.digest();
        for Signed { payload: PrePrepare { seq, digest, .. }, signature, .. } in proposals {
            let is_taken = self.log.get(*seq).is_some_and(|slot| slot.assignment.is_some());
            if is_taken || !self.log.in_window(*seq) {
                continue;
            }
            self.note_work(now);
            self.assign(*seq, *digest, *signature);
            if *digest == noop_digest {
                self.learn_batch(now, *seq, noop.clone());
            }
            self.want(now, *seq);
            self.try_accept(now, *seq, effects);
        }
    }
}
