//! What the numbers of a step mean: views, sequence numbers and batches around where the replica stands.

use tetrarch_crypto::Digest;
use tetrarch_types::{CheckpointCertificate, ReplicaId, SeqNum, View};

use super::Stage;
use crate::chain::{CONTENTS, WINDOW};
use crate::play::speech::Content;
use crate::play::step::{Above, Around, Choice, Voters};

impl Stage {
    pub(super) fn is_own(&self, view: View) -> bool {
        self.node.chain.membership.primary(view) == self.node.own()
    }

    pub(super) fn others(&self, voters: Voters) -> Vec<ReplicaId> {
        let own = self.node.own();
        self.node.chain.ids().filter(|it| *it != own && voters >> it.index() & 1 == 1).collect()
    }

    pub(super) fn view(&self, around: Around) -> View {
        let view = self.node.replica.status().view;
        match around {
            0..=199 => view,
            200..=219 => view.next(),
            220..=239 => View::new(view.get().saturating_sub(1)),
            _ => View::new(view.get().saturating_add(u64::from(around - 238))),
        }
    }

    /// A view to move to: that which the replica moves to, else the next one.
    pub(super) fn moved(&self, around: Around) -> View {
        let view = self.view(around);
        if around < 200 && !self.node.replica.status().changing { view.next() } else { view }
    }

    pub(super) fn seq(&self, above: Above) -> SeqNum {
        let stable = self.node.replica.stable().seq;
        match above {
            0..=159 => self.node.machine.executed.next(),
            _ => stable.plus(u64::from(above) % (WINDOW + 3)),
        }
    }

    /// A checkpoint: the last one executed, or one around the window.
    pub(super) fn checkpoint(&self, above: Above) -> SeqNum {
        let executed = self.node.machine.executed.get();
        let seq = if above < 160 { executed } else { self.node.replica.stable().seq.plus(u64::from(above % 16)).get() };
        SeqNum::new(seq & !1)
    }

    /// The root here, or another.
    pub(super) fn root(&self, seq: SeqNum, choice: Choice) -> Digest {
        let own = self.node.machine.root_at(seq).filter(|_| choice < 220);
        own.unwrap_or_else(|| Digest::from_bytes([choice; 32]))
    }

    pub(super) fn stable(&self, seq: SeqNum, choice: Choice) -> CheckpointCertificate {
        self.node.chain.stable(seq, self.root(seq, choice))
    }

    /// What was assigned at a place, or another batch.
    pub(super) fn content(&self, view: View, seq: SeqNum, choice: Choice) -> Content {
        let known = self.assigned.get(&(view, seq)).filter(|_| choice < 160);
        let named = known.and_then(|digest| self.contents.get(digest));
        named.cloned().unwrap_or_else(|| self.node.chain.batch(usize::from(choice) % CONTENTS, seq))
    }

    pub(super) fn fresh(&mut self, seq: SeqNum, choice: Choice) -> Content {
        let content = self.node.chain.batch(1 + usize::from(choice) % (CONTENTS - 1), seq);
        self.contents.insert(content.0.digest(), content.clone());
        content
    }
}
