//! Saying where this replica stands, and saying again what a peer lacks (rules L-1, L-2), within bounds (rule L-6).
//!
//! Nothing is acknowledged. A replica that waits says where it is, and peers that are further answer with their part of what is
//! missing: the NEW-VIEW, their votes, their CHECKPOINT. Everything sent again is what was sent before.

use tetrarch_types::{Checkpoint, Now, Payload, ReplicaId, SeqNum, Signed, Status, Supply};

use crate::normal::{own_votes, proposal_again};
use crate::slot::Phase;
use crate::{Effects, Recipients, Replica};

/// Slots for which votes are repeated in answer to one status.
const REPEATED_SLOTS: usize = 16;

impl Replica {
    pub(crate) fn say_status(&mut self, now: Now, effects: &mut Effects) {
        self.timers.status = now.time;
        effects.send(Recipients::Others, Payload::Status(self.own_status(now)));
    }

    fn own_status(&self, now: Now) -> Status {
        Status {
            view: self.view,
            changing: self.changing,
            executed: self.executed,
            stable: self.checkpoints.stable.seq,
            slow: self.finds_slow(now),
        }
    }

    pub(crate) fn on_status(&mut self, now: Now, signed: Signed<Status>, effects: &mut Effects) {
        let (from, status) = (signed.signer, signed.payload);
        if from == self.config.id {
            return;
        }
        let complained = self.finds_slow(now);
        let before = self.peers.insert(from, status);
        self.hear_complaint(now, from, complained, effects);
        if self.budgets.may_repeat(from, now.time, self.config.rest()) {
            self.repeat_to(now, from, before, &status, effects);
        }
    }

    /// What a peer seems to lack, by this status and the one before.
    fn repeat_to(&mut self, now: Now, to: ReplicaId, before: Option<Status>, status: &Status, effects: &mut Effects) {
        self.repeat_checkpoint(to, status, effects);
        if before.is_some_and(|before| before.stable == status.stable) {
            self.show_stable(to, status, effects);
        }
        let lacks_view = status.view < self.view || (status.view == self.view && status.changing);
        if lacks_view && !self.changing {
            self.pass_on_new_view(now, to, effects);
        }
        // A peer that moves lacks nothing; one that says the same place twice does.
        let is_stuck = before.is_none_or(|before| before.executed == status.executed);
        if is_stuck && status.view == self.view && !status.changing && !self.changing {
            self.repeat_votes(to, status, effects);
        }
    }

    /// The peer may lack this replica's vote for the latest checkpoint here.
    fn repeat_checkpoint(&mut self, to: ReplicaId, status: &Status, effects: &mut Effects) {
        let stable = &self.checkpoints.stable;
        let latest = self.checkpoints.roots.range(stable.seq.next()..).next_back().map(|(seq, root)| (*seq, *root));
        for (seq, state_root) in [Some((stable.seq, stable.state_root)), latest].into_iter().flatten() {
            if seq > status.stable && seq <= self.executed {
                self.say_checkpoint(Recipients::One(to), Checkpoint { seq, state_root }, effects);
            }
        }
    }

    /// The peer said the same stable checkpoint twice, and there is a later one. Votes that are repeated may not be enough for it: of
    /// the q that made this one stable, up to f may be liars that say something else now (rule L-5).
    fn show_stable(&self, to: ReplicaId, status: &Status, effects: &mut Effects) {
        let stable = &self.checkpoints.stable;
        if stable.seq > status.stable {
            effects.send(Recipients::One(to), Payload::Supply(Supply::Stable(stable.clone())));
        }
    }

    /// This replica's votes for the first slots above what the peer executed.
    fn repeat_votes(&self, to: ReplicaId, status: &Status, effects: &mut Effects) {
        // A proposal of its own may have come back to a replica that lost its records: it is silent about that too (rule A-2).
        if self.standing.lost {
            return;
        }
        for (seq, slot) in self.log.above(status.executed).take(REPEATED_SLOTS) {
            let Some(assignment) = &slot.assignment else { continue };
            if self.is_primary()
                && seq > self.view_start
                && assignment.phase >= Phase::Accepted
                && let Some(content) = slot.contents.get(&assignment.digest)
            {
                let again = proposal_again(self.view, seq, self.config.id, assignment, content.batch.clone());
                effects.send(Recipients::One(to), Payload::Again(Box::new(again)));
            }
            for vote in own_votes(self.view, seq, assignment, self.is_primary()) {
                effects.send(Recipients::One(to), vote);
            }
        }
    }

    /// What a replica says when it comes up (rule L-4): where it stands, and everything that its journal shows it may have been
    /// about to say. All of it is durable already.
    pub(crate) fn on_start(&mut self, now: Now, effects: &mut Effects) {
        self.timers.enter(now.time);
        self.timers.relay = now.time;
        self.ask_held(now, effects);
        self.say_status(now, effects);
        let latest = self.checkpoints.roots.last_key_value().map(|(seq, root)| (*seq, *root));
        if let Some((seq, state_root)) = latest.filter(|(seq, _)| *seq > self.checkpoints.stable.seq) {
            self.say_checkpoint(Recipients::Everyone, Checkpoint { seq, state_root }, effects);
        }
        match (&self.starting, self.changing) {
            (Some(starting), _) => effects.send(Recipients::Everyone, starting.clone()),
            // It may have prepared more than it knows: its VIEW-CHANGE waits for the answers (rule A-4).
            (None, true) => {}
            (None, false) => self.repeat_own(effects),
        }
        if self.config.membership.quorum() == 1 {
            self.judge_standing(now, effects);
        }
        self.try_transfer(now, effects);
    }

    /// Proposals of the view that are not yet accepted.
    pub(crate) fn resume_waiting(&mut self, now: Now, effects: &mut Effects) {
        let waiting: Vec<SeqNum> = self.log.iter().filter(|(_, slot)| slot.is_waiting()).map(|(seq, _)| seq).collect();
        for seq in waiting {
            self.want(now, seq);
            self.try_accept(now, seq, effects);
        }
    }

    /// This replica's own proposals and votes of the current view, to everyone: also to itself, since its votes were counted
    /// nowhere yet.
    fn repeat_own(&mut self, effects: &mut Effects) {
        for (_, payload) in std::mem::take(&mut self.own_proposals) {
            effects.send(Recipients::Everyone, payload);
        }
        for (seq, slot) in self.log.iter() {
            let Some(assignment) = &slot.assignment else { continue };
            for vote in own_votes(self.view, seq, assignment, self.is_primary()) {
                effects.send(Recipients::Everyone, vote);
            }
        }
    }
}
