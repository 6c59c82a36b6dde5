//! Proposals and votes.

use tetrarch_crypto::Digest;
use tetrarch_types::{CheckpointCertificate, HeldVote, MessageKind, SeqNum, View};

use super::Stage;
use crate::chain::CONTENTS;
use crate::play::speech;
use crate::play::step::{Choice, Step, Voters};

impl Stage {
    pub(super) fn normal_case(&mut self, step: Step) {
        match step {
            Step::Propose { view, seq, content } => self.propose(self.view(view), self.seq(seq), content),
            Step::Prepares { view, seq, content, voters } => {
                self.votes(MessageKind::Prepare, self.view(view), self.seq(seq), content, voters);
            }
            Step::Commits { view, seq, content, voters } => {
                self.votes(MessageKind::Commit, self.view(view), self.seq(seq), content, voters);
            }
            Step::Agree { content, voters } => {
                let (view, seq) = (self.view(0), self.seq(0));
                self.propose(view, seq, content);
                self.votes(MessageKind::Prepare, view, seq, 0, voters | 0x55);
                self.votes(MessageKind::Commit, view, seq, 0, voters | 0xaa);
            }
            _ => {}
        }
    }

    /// Bodies first, most of the time.
    fn propose(&mut self, view: View, seq: SeqNum, choice: Choice) {
        if self.is_own(view) {
            return;
        }
        let (batch, bodies) = self.fresh(seq, choice);
        self.assigned.entry((view, seq)).or_insert(batch.digest());
        if choice < 200 {
            bodies.into_iter().for_each(|body| self.request(body));
        }
        let message = speech::proposal(&self.node, view, seq, batch);
        self.say(message);
    }

    fn votes(&mut self, kind: MessageKind, view: View, seq: SeqNum, choice: Choice, voters: Voters) {
        let digest = self.content(view, seq, choice).0.digest();
        self.vote(kind, (view, seq, digest), voters);
    }

    pub(super) fn vote(&mut self, kind: MessageKind, place: (View, SeqNum, Digest), voters: Voters) {
        for voter in self.others(voters) {
            let message = speech::vote(&self.node, kind, place, voter);
            self.say(message);
        }
    }

    /// Everyone proposes, prepares and commits something else wherever the replica voted, and moves on: who forgot its votes falls for
    /// it.
    pub(crate) fn tempt(&mut self, choice: Choice) {
        let votes = speech::held(&self.node, CheckpointCertificate::genesis(), 0).votes;
        for (view, seq) in votes.iter().map(HeldVote::place) {
            let known = self.assigned.get(&(view, seq)).copied();
            let other = (0..CONTENTS as Choice).map(|more| choice.wrapping_add(more));
            let other = other.map(|choice| self.fresh(seq, choice)).find(|(batch, _)| Some(batch.digest()) != known);
            let Some((batch, bodies)) = other else { continue };
            let place = (view, seq, batch.digest());
            bodies.into_iter().for_each(|body| self.request(body));
            if !self.is_own(view) {
                let message = speech::proposal(&self.node, view, seq, batch);
                self.say(message);
            }
            self.vote(MessageKind::Prepare, place, Voters::MAX);
            self.vote(MessageKind::Commit, place, Voters::MAX);
        }
        self.play(Step::ViewChanges { view: 0, voters: Voters::MAX, shows: false });
    }
}
