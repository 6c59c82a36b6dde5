//! The normal case: PRE-PREPARE, PREPARE, COMMIT.
//!
//! ```text
//!   primary   PRE-PREPARE ──┬────────────┬───────────
//!   backup           PREPARE ┼─────┬─────┼─ COMMIT ──   accepted  (whole content, rule N-3, durable)   → PREPARE
//!   backup           PREPARE ┴─────┼─────┼─ COMMIT ──   prepared  (q − 1 PREPAREs, rule N-4, durable)  → COMMIT
//!   backup                         └─────┴─ COMMIT ──   committed (q COMMITs, rule N-6)                → execution
//! ```

use tetrarch_crypto::{Digest, Signature, mutated};
use tetrarch_types::{
    Batch, Commit, CommitCertificate, Evidence, Message, MessageKind, Now, Payload, PrePrepare, Prepare, Proposal,
    ReplicaId, SeqNum, Signed, View,
};

use crate::content::Content;
use crate::slot::{Assignment, Counted, Phase, Vote};
use crate::{Effect, Effects, Event, Ignored, ProposalFault, Recipients, Record, Replica};

impl Replica {
    pub(crate) fn on_pre_prepare(&mut self, now: Now, proposal: Proposal, effects: &mut Effects) {
        let Signed { payload: PrePrepare { view, seq, digest }, signer, signature } = proposal.pre_prepare;
        let ignore = |reason| Event::ignored(signer, MessageKind::PrePrepare, reason);
        if view < self.voting_view() {
            return effects.observe(ignore(Ignored::OldView));
        }
        if !self.is_in(view) {
            return effects.observe(ignore(Ignored::ChangingView));
        }
        if !self.log.in_window(seq) || seq <= self.view_start {
            return effects.observe(ignore(Ignored::OutsideWindow));
        }
        match self.log.get(seq).and_then(|slot| slot.assignment.as_ref()) {
            Some(held) if held.digest == digest => effects.observe(ignore(Ignored::Duplicate)),
            Some(held) => {
                let first = PrePrepare { digest: held.digest, ..proposal.pre_prepare.payload };
                let first = Signed { payload: first, signer, signature: held.signature };
                effects.observe(Event::Equivocation(Box::new(Evidence::PrePrepare(first, proposal.pre_prepare))));
            }
            None => {
                self.note_work(now);
                self.assign(seq, digest, signature);
                self.learn_batch(now, seq, proposal.batch);
                self.try_accept(now, seq, effects);
                // It may be decided already, and have waited for its content.
                self.try_execute(now, effects);
            }
        }
    }

    /// Notes the current view's assignment for a slot.
    pub(crate) fn assign(&mut self, seq: SeqNum, digest: Digest, signature: Signature) {
        self.log.slot(seq).assignment = Some(Assignment { digest, signature, phase: Phase::Waiting });
    }

    /// Takes a batch for a slot, with the bodies that the pool holds, and notes which ones are awaited.
    pub(crate) fn learn_batch(&mut self, now: Now, seq: SeqNum, batch: Batch) {
        let digest = batch.digest();
        let mut content = Content::new(batch);
        if let Some(held) = self.log.get(seq).and_then(|slot| slot.contents.get(&digest)) {
            content = held.clone();
        }
        for id in content.missing().collect::<Vec<_>>() {
            match self.pool.get(&id).or_else(|| self.placed_body(&id)) {
                Some(body) => content.supply(&id, body),
                None => {
                    self.awaited.insert((id, seq));
                }
            }
        }
        self.log.slot(seq).contents.insert(digest, content);
        self.want(now, seq);
    }

    /// Accepts the assignment of a slot, if it may be: durable first, then the PREPARE (rules N-3, D-1). The primary's
    /// PRE-PREPARE stands for its PREPARE; its own ordinary proposals were durable before they were sent.
    pub(crate) fn try_accept(&mut self, now: Now, seq: SeqNum, effects: &mut Effects) {
        let Some(assignment) = self.acceptable(seq) else { return };
        let view = self.voting_view();
        if self.may_have_prepared_other(view, seq, &assignment.digest) {
            return self.refuse(seq, ProposalFault::OtherDraft, effects);
        }
        if self.log.get(seq).is_some_and(|slot| slot.is_oversize(&assignment.digest)) {
            return self.refuse(seq, ProposalFault::TooLarge, effects);
        }
        let Some(content) = self.log.get(seq).and_then(|slot| slot.complete(&assignment.digest)).cloned() else {
            return;
        };
        let is_reproposal = seq <= self.view_start;
        if !is_reproposal && self.awaits_execution(seq, &content) {
            return;
        }
        let is_own = self.is_primary() && !is_reproposal;
        if !is_own
            && !is_reproposal
            && let Err(reason) = self.may_prepare(now, seq, &content)
        {
            return self.refuse(seq, reason, effects);
        }
        if self.is_primary() {
            if !is_own {
                self.promise_in(accepted(view, seq, &assignment, &content), effects);
            }
        } else {
            let prepare = Payload::Prepare(Prepare { view, seq, digest: assignment.digest });
            if self.is_drafted(view, seq, &assignment.digest) {
                effects.send(Recipients::Everyone, prepare);
            } else {
                self.promise(accepted(view, seq, &assignment, &content), prepare, effects);
            }
            if !is_reproposal {
                self.note_turnaround(now, seq, &content);
            }
        }
        self.set_phase(seq, Phase::Accepted);
        self.place(seq, &content);
        self.try_prepare(seq, effects);
    }

    fn refuse(&mut self, seq: SeqNum, reason: ProposalFault, effects: &mut Effects) {
        self.set_phase(seq, Phase::Refused);
        effects.observe(Event::ProposalRefused { view: self.view, seq, reason });
    }

    /// Rule D-1 and D-2, law 1: the record, then the vote that depends on it.
    fn promise(&mut self, record: Record, vote: Payload, effects: &mut Effects) {
        if mutated!(VoteBeforeFsync) {
            effects.send(Recipients::Everyone, vote);
            return self.promise_in(record, effects);
        }
        self.promise_in(record, effects);
        effects.send(Recipients::Everyone, vote);
    }

    fn acceptable(&self, seq: SeqNum) -> Option<Assignment> {
        let assignment = self.log.get(seq)?.assignment.as_ref()?;
        let may = assignment.phase == Phase::Waiting && self.may_begin(seq) && self.may_vote_in(self.voting_view());
        may.then(|| assignment.clone())
    }

    fn set_phase(&mut self, seq: SeqNum, phase: Phase) {
        if let Some(assignment) = self.log.get_mut(seq).and_then(|slot| slot.assignment.as_mut()) {
            assignment.phase = phase;
        }
    }

    /// Notes where the transactions of an accepted batch are in flight.
    pub(crate) fn place(&mut self, seq: SeqNum, content: &Content) {
        self.timers.propose = true;
        self.last_stamp = self.last_stamp.max(content.batch.timestamp);
        for (id, body) in content.batch.transactions.iter().zip(content.bodies()) {
            self.pool.take_turn(id);
            self.placed.insert(*id, seq);
            if seq > self.dispatched {
                let lowest = self.in_flight.entry((body.body.sender, body.body.nonce)).or_insert(seq);
                *lowest = seq.min(*lowest);
            }
        }
    }

    pub(crate) fn on_prepare(&mut self, signed: Signed<Prepare>, effects: &mut Effects) {
        let Prepare { view, seq, digest } = signed.payload;
        if let Some(reason) = self.vote_out_of_place(view, seq) {
            return effects.observe(Event::ignored(signed.signer, MessageKind::Prepare, reason));
        }
        let vote = Vote { view, digest, signature: signed.signature };
        match self.log.slot(seq).prepares.count_in(signed.signer, vote) {
            Counted::New => self.try_prepare(seq, effects),
            Counted::Conflict(held) => {
                let first = Prepare { view, seq, digest: held.digest };
                let first = Signed { payload: first, signature: held.signature, ..signed };
                effects.observe(Event::Equivocation(Box::new(Evidence::Prepare(first, signed))));
            }
            other => effects.observe(not_counted(signed.signer, MessageKind::Prepare, other)),
        }
    }

    /// Rule B-3. Votes of later views are kept: their NEW-VIEW may still be on its way.
    fn vote_out_of_place(&self, view: View, seq: SeqNum) -> Option<Ignored> {
        if !self.log.in_window(seq) {
            return Some(Ignored::OutsideWindow);
        }
        (view < self.voting_view()).then_some(Ignored::OldView)
    }

    /// Prepared: durable first, then the COMMIT (rules N-5, D-2).
    pub(crate) fn try_prepare(&mut self, seq: SeqNum, effects: &mut Effects) {
        let Some(certificate) = self.prepared_certificate(seq) else { return };
        let (view, digest) = (certificate.view, certificate.digest);
        let commit = Payload::Commit(Commit { view, seq, digest });
        let tellable = self.tellable(&certificate);
        let tell = tellable.is_some().then_some(Effect::ReplyTentatively { view, seq });
        tellable.into_iter().for_each(|batch| effects.push(Effect::ExecuteTentatively(batch)));
        self.log.slot(seq).told |= tell.is_some();
        if mutated!(ToldBeforeFsync) {
            tell.iter().for_each(|tell| effects.push(tell.clone()));
        }
        // Rule X-2: clients are told when the COMMIT may be said, and not before.
        self.promise(Record::Prepared(certificate.clone()), commit, effects);
        tell.into_iter().for_each(|tell| effects.push(tell));
        effects.observe(Event::Prepared { view, seq, digest });
        self.set_phase(seq, Phase::Prepared);
        self.log.slot(seq).prepared = Some(certificate);
    }

    /// A COMMIT counts in any view and during a view change: q of them prove a decision, wherever this replica stands (rule N-6).
    pub(crate) fn on_commit(&mut self, now: Now, signed: Signed<Commit>, effects: &mut Effects) {
        let Commit { view, seq, digest } = signed.payload;
        if !self.log.in_window(seq) {
            let reason = Ignored::OutsideWindow;
            return effects.observe(Event::ignored(signed.signer, MessageKind::Commit, reason));
        }
        let vote = Vote { view, digest, signature: signed.signature };
        match self.log.slot(seq).commits.count_in(signed.signer, vote) {
            Counted::New => {
                self.try_commit(now, signed.payload, effects);
                self.note_passed_by(now, signed.payload);
            }
            Counted::Conflict(held) => {
                let first = Commit { view, seq, digest: held.digest };
                let first = Signed { payload: first, signature: held.signature, ..signed };
                effects.observe(Event::Equivocation(Box::new(Evidence::Commit(first, signed))));
            }
            other => effects.observe(not_counted(signed.signer, MessageKind::Commit, other)),
        }
    }

    fn try_commit(&mut self, now: Now, Commit { view, seq, digest }: Commit, effects: &mut Effects) {
        let quorum = self.commit_quorum();
        let slot = self.log.slot(seq);
        if slot.commit.is_some() {
            return;
        }
        let commits = slot.commits.matching(|vote| {
            vote.is_for(view, &digest) || (mutated!(CommitViewUnchecked) && vote.is_for(vote.view, &digest))
        });
        if commits.len() < quorum {
            return;
        }
        self.note_work(now);
        self.log.slot(seq).commit = Some(CommitCertificate { view, seq, digest, commits });
        self.turnaround.note_decided(now.time, seq);
        effects.observe(Event::Committed { seq, digest });
        self.want(now, seq);
        self.try_execute(now, effects);
    }
}

fn not_counted(from: ReplicaId, kind: MessageKind, counted: Counted) -> Event {
    let reason = if counted == Counted::Old { Ignored::OldView } else { Ignored::Duplicate };
    Event::ignored(from, kind, reason)
}

fn accepted(view: View, seq: SeqNum, assignment: &Assignment, content: &Content) -> Record {
    Record::Accepted {
        view,
        seq,
        pre_prepare: assignment.signature,
        batch: content.batch.clone(),
        transactions: content.bodies().cloned().collect(),
    }
}

/// The vote of a replica for a slot, said again for a peer that may have missed it.
pub(crate) fn own_votes(view: View, seq: SeqNum, assignment: &Assignment, is_primary: bool) -> Vec<Payload> {
    let digest = assignment.digest;
    let mut votes = Vec::new();
    if assignment.phase >= Phase::Accepted && !is_primary {
        votes.push(Payload::Prepare(Prepare { view, seq, digest }));
    }
    if assignment.phase == Phase::Prepared {
        votes.push(Payload::Commit(Commit { view, seq, digest }));
    }
    votes
}

/// The message that a stored proposal was.
pub(crate) fn proposal_again(
    view: View,
    seq: SeqNum,
    signer: ReplicaId,
    assignment: &Assignment,
    batch: Batch,
) -> Message {
    let payload = PrePrepare { view, seq, digest: assignment.digest };
    Message::PrePrepare(Proposal { pre_prepare: Signed { payload, signer, signature: assignment.signature }, batch })
}
