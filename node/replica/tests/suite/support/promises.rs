//! What an honest replica never takes back, across crashes: checked at every signature, without asking production code.

use std::collections::BTreeMap;

use tetrarch_crypto::{Digest, Domain};
use tetrarch_types::{Message, MessageKind, PrePrepare, ReplicaId, SeqNum, View, ViewChange, encode};

type Statement = (ReplicaId, MessageKind, View, SeqNum);

#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// What each replica stated at each place: one digest, ever.
    stated: BTreeMap<Statement, Digest>,
    /// The highest view each replica moved to by VIEW-CHANGE.
    moved: BTreeMap<ReplicaId, View>,
    /// The first digest executed at each number, by anyone.
    executed: BTreeMap<SeqNum, Digest>,
}

impl Promises {
    /// Checks a message that a replica has just signed.
    pub(crate) fn signed(&mut self, message: &Message) {
        let from = message.signer();
        match message {
            Message::PrePrepare(it) => self.assigned(from, &it.pre_prepare.payload),
            Message::Prepare(it) => {
                self.vote(from, message.kind(), it.payload.view, it.payload.seq, it.payload.digest);
            }
            Message::Commit(it) => {
                self.vote(from, message.kind(), it.payload.view, it.payload.seq, it.payload.digest);
            }
            Message::Checkpoint(it) => {
                self.state(from, message.kind(), View::ZERO, it.payload.seq, it.payload.state_root);
            }
            Message::ViewChange(it) => self.moved(from, &it.payload),
            Message::NewView(it) => {
                let digest = Digest::of(Domain::NewView, &[&encode(&it.payload)]);
                self.state(from, message.kind(), it.payload.view, SeqNum::ZERO, digest);
                it.payload.proposals.iter().for_each(|proposal| self.assigned(from, &proposal.payload));
            }
            Message::Status(_) | Message::Fetch(_) | Message::Supply(_) => {}
        }
    }

    /// A replica that lost its records need not keep out of a view that it left before: nobody holds its VIEW-CHANGE durably for it,
    /// so none of the answers to rule A-3 may show it. It is one of the f for that.
    pub(crate) fn may_forget_moves(&mut self, id: ReplicaId) {
        self.moved.remove(&id);
    }

    /// Agreement: all replicas execute the same batch at a number.
    pub(crate) fn executed(&mut self, by: ReplicaId, seq: SeqNum, digest: Digest) {
        let first = *self.executed.entry(seq).or_insert(digest);
        assert_eq!(first, digest, "replica {by} executes another batch at {seq}");
    }

    fn assigned(&mut self, from: ReplicaId, PrePrepare { view, seq, digest }: &PrePrepare) {
        self.state(from, MessageKind::PrePrepare, *view, *seq, *digest);
    }

    fn state(&mut self, from: ReplicaId, kind: MessageKind, view: View, seq: SeqNum, digest: Digest) {
        let first = *self.stated.entry((from, kind, view, seq)).or_insert(digest);
        assert_eq!(first, digest, "replica {from} signs two {kind:?} in view {view} at {seq}");
    }

    /// Rule V-8: nothing new is said in a view that was left.
    fn vote(&mut self, from: ReplicaId, kind: MessageKind, view: View, seq: SeqNum, digest: Digest) {
        if !self.stated.contains_key(&(from, kind, view, seq)) {
            let left = self.moved.get(&from).copied().unwrap_or_default();
            assert!(view >= left, "replica {from} signs a {kind:?} in view {view} after moving to {left}");
        }
        self.state(from, kind, view, seq, digest);
    }

    /// Rule V-3: a VIEW-CHANGE shows everything that the replica committed to and no checkpoint covers.
    fn moved(&mut self, from: ReplicaId, to: &ViewChange) {
        let highest = self.moved.entry(from).or_default();
        *highest = (*highest).max(to.view);
        let first = (from, MessageKind::Commit, View::ZERO, SeqNum::ZERO);
        let of_replica =
            self.stated.range(first..).take_while(|((who, kind, ..), _)| *who == from && *kind == MessageKind::Commit);
        for ((.., view, seq), digest) in of_replica.filter(|((.., seq), _)| *seq > to.stable.seq) {
            let shown = to.prepared.iter().find(|certificate| certificate.seq == *seq);
            let covers = shown.is_some_and(|it| it.view > *view || (it.view == *view && it.digest == *digest));
            assert!(covers, "replica {from} committed at {seq} in view {view}, and its VIEW-CHANGE does not show it");
        }
    }
}
