//! Checkpoints: what a quorum agrees the state is, and what may be forgotten then.

use std::collections::BTreeMap;

use tetrarch_crypto::{Digest, mutated};
use tetrarch_types::{
    Checkpoint, CheckpointCertificate, Evidence, MessageKind, Now, Payload, ReplicaId, SeqNum, Signed, Votes,
};

use crate::{Effect, Effects, Event, Ignored, Recipients, Record, Replica};

/// CHECKPOINTs kept for each member: its highest ones (rule B-1).
const KEPT_FOR_MEMBER: usize = 8;

/// Own roots kept: the checkpoints of a window and a few that wait for a certificate from far ahead.
const KEPT_ROOTS: usize = 64;

/// What is known about checkpoints.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoints {
    /// The highest stable checkpoint whose state this replica has.
    pub(crate) stable: CheckpointCertificate,
    /// The highest certificate whose state this replica has not reached.
    pub(crate) ahead: Option<CheckpointCertificate>,
    /// The roots that execution here computed.
    pub(crate) roots: BTreeMap<SeqNum, Digest>,
    /// The roots that this replica signed since it came up.
    said: BTreeMap<SeqNum, Digest>,
    votes: BTreeMap<ReplicaId, BTreeMap<SeqNum, Signed<Checkpoint>>>,
}

impl Checkpoints {
    pub(crate) fn new(stable: CheckpointCertificate, roots: impl IntoIterator<Item = (SeqNum, Digest)>) -> Self {
        let (roots, said, votes) = (roots.into_iter().collect(), BTreeMap::new(), BTreeMap::new());
        Self { stable, ahead: None, roots, said, votes }
    }

    /// Keeps a member's vote; the one that stands when the member voted at this number before.
    fn count_in(&mut self, signed: &Signed<Checkpoint>) -> Option<Signed<Checkpoint>> {
        let of_member = self.votes.entry(signed.signer).or_default();
        if let Some(held) = of_member.get(&signed.payload.seq) {
            return Some(held.clone());
        }
        of_member.insert(signed.payload.seq, signed.clone());
        if of_member.len() > KEPT_FOR_MEMBER {
            of_member.pop_first();
        }
        None
    }

    /// How many CHECKPOINTs are held.
    pub(crate) fn votes(&self) -> usize {
        self.votes.values().map(BTreeMap::len).sum()
    }

    fn matching(&self, checkpoint: &Checkpoint) -> Votes {
        let votes = self.votes.values().filter_map(|of_member| of_member.get(&checkpoint.seq));
        votes.filter(|vote| vote.payload == *checkpoint).map(|vote| (vote.signer, vote.signature)).collect()
    }

    /// A state came from outside: its root is the only one here.
    pub(crate) fn installed(&mut self, certificate: &CheckpointCertificate) {
        self.roots = BTreeMap::from([(certificate.seq, certificate.state_root)]);
        self.ahead.take_if(|ahead| ahead.seq <= certificate.seq);
    }

    fn forget_through(&mut self, seq: SeqNum) {
        for of_member in self.votes.values_mut() {
            *of_member = of_member.split_off(&seq.next());
        }
        self.roots = self.roots.split_off(&seq);
        self.said = self.said.split_off(&seq);
        if self.ahead.as_ref().is_some_and(|ahead| ahead.seq <= seq) {
            self.ahead = None;
        }
    }
}

impl Replica {
    /// Execution reached a checkpoint: say so (rule C-1). The same state gives the same root again after a crash, so nothing has
    /// to be durable first.
    pub(crate) fn on_snapshotted(&mut self, now: Now, seq: SeqNum, state_root: Digest, effects: &mut Effects) {
        if !self.may_execute() {
            // Of the state that is being replaced.
            return;
        }
        self.checkpoints.roots.insert(seq, state_root);
        if self.checkpoints.roots.len() > KEPT_ROOTS {
            self.checkpoints.roots.pop_first();
        }
        self.say_checkpoint(Recipients::Everyone, Checkpoint { seq, state_root }, effects);
        if let Some(ahead) = self.checkpoints.ahead.clone().filter(|ahead| ahead.seq == seq) {
            self.learn_certificate(now, ahead, effects);
        }
    }

    /// Signs a root, unless another was signed there: a state that took the place of one that was given up may have others.
    pub(crate) fn say_checkpoint(&mut self, to: Recipients, it: Checkpoint, effects: &mut Effects) {
        let said = &mut self.checkpoints.said;
        if *said.entry(it.seq).or_insert(it.state_root) == it.state_root {
            effects.send(to, Payload::Checkpoint(it));
        }
        if said.len() > KEPT_ROOTS {
            said.pop_first();
        }
    }

    pub(crate) fn on_checkpoint(&mut self, now: Now, signed: Signed<Checkpoint>, effects: &mut Effects) {
        let ignore = |reason| Event::ignored(signed.signer, MessageKind::Checkpoint, reason);
        let checkpoint = signed.payload;
        let is_due = checkpoint.seq.is_multiple_of(self.config.membership.parameters().checkpoint_interval);
        if checkpoint.seq <= self.checkpoints.stable.seq || !is_due {
            return effects.observe(ignore(Ignored::OutsideWindow));
        }
        match self.checkpoints.count_in(&signed) {
            Some(held) if held.payload == checkpoint => return effects.observe(ignore(Ignored::Duplicate)),
            Some(held) => {
                return effects.observe(Event::Equivocation(Box::new(Evidence::Checkpoint(held, signed))));
            }
            None => {}
        }
        let votes = self.checkpoints.matching(&checkpoint);
        let membership = &self.config.membership;
        let need = if mutated!(StableAtWeakQuorum) { membership.weak_quorum() } else { membership.quorum() };
        if votes.len() >= need {
            let Checkpoint { seq, state_root } = checkpoint;
            self.learn_certificate(now, CheckpointCertificate { seq, state_root, votes }, effects);
        }
    }

    /// A checkpoint that a quorum agrees on (rule C-2): stable if this replica has that state, a goal if it is not there yet, and
    /// the end of its own state if it has another (rule C-4).
    pub(crate) fn learn_certificate(&mut self, now: Now, certificate: CheckpointCertificate, effects: &mut Effects) {
        let (seq, agreed) = (certificate.seq, certificate.state_root);
        if seq <= self.checkpoints.stable.seq {
            return;
        }
        match self.checkpoints.roots.get(&seq).copied() {
            Some(own) if own == agreed => self.stabilise(now, certificate, effects),
            Some(own) => {
                effects.observe(Event::Diverged { seq, own, agreed });
                self.give_up_state(now, certificate, effects);
            }
            None if self.checkpoints.ahead.as_ref().is_none_or(|ahead| ahead.seq < seq) => {
                self.checkpoints.ahead = Some(certificate);
                self.try_transfer(now, effects);
            }
            None => {}
        }
    }

    /// Moves the low watermark (rule C-3). What the journal must go on holding about views is written again, so that everything
    /// older than the first live slot can go.
    pub(crate) fn stabilise(&mut self, now: Now, certificate: CheckpointCertificate, effects: &mut Effects) {
        let (seq, state_root) = (certificate.seq, certificate.state_root);
        effects.persist(Record::Stable(certificate.clone()));
        self.checkpoints.stable = certificate;
        self.checkpoints.forget_through(seq);
        self.persist_view(effects);
        let high = self.log.high();
        self.turnaround.note_window(now.time, seq, high);
        for (seq, slot) in self.log.advance(seq) {
            self.drop_slot(seq, &slot);
        }
        if self.view_start > high {
            self.take_late_reproposals(now, effects);
        }
        effects.push(Effect::Discard { through: seq });
        effects.observe(Event::Stable { seq, state_root });
        self.timers.propose = true;
        self.try_cure(now, effects);
        self.try_execute(now, effects);
    }

    fn persist_view(&self, effects: &mut Effects) {
        if let Some(new_view) = &self.new_view {
            effects.persist(Record::Entered(new_view.clone()));
        }
        if self.standing.lost {
            effects.persist(Record::Lost);
        }
        if self.changing {
            effects.persist(Record::ViewChanging { view: self.view });
        }
        if let Some(starting) = &self.starting {
            effects.persist(Record::Starting(starting.clone()));
        }
    }

    pub(crate) fn forget_slot(&mut self, seq: SeqNum) {
        if let Some(slot) = self.log.remove(seq) {
            self.drop_slot(seq, &slot);
        }
    }

    /// Removes what points at a slot that is gone.
    fn drop_slot(&mut self, seq: SeqNum, slot: &crate::slot::Slot) {
        self.fetches.remove(&seq);
        for id in slot.contents.values().flat_map(|content| &content.batch.transactions) {
            self.awaited.remove(&(*id, seq));
            if self.placed.get(id) == Some(&seq) {
                self.placed.remove(id);
            }
        }
    }
}
