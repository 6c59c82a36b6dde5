//! The one place where this replica's key signs messages, and where they leave.

use std::sync::Arc;

use tetrarch_replica::Recipients;
use tetrarch_transport::Peers;
use tetrarch_types::{Message, Payload, ReplicaId, Results, Signed, sign};

use crate::Identity;
use crate::counters::{Count, Counts};

/// Signs and sends.
pub(crate) struct Outbox {
    identity: Identity,
    peers: Arc<Peers>,
    counts: Counts,
}

impl Outbox {
    pub(crate) const fn new(identity: Identity, peers: Arc<Peers>, counts: Counts) -> Self {
        Self { identity, peers, counts }
    }

    /// Signs a payload, encodes it once and hands it to the transport for each recipient. Returns the message if this replica is
    /// one of them. Never waits.
    pub(crate) fn send(&self, to: Recipients, payload: Payload) -> Option<Message> {
        let scope = self.identity.membership().scope();
        let message = sign(payload, self.identity.id(), scope, self.identity.key());
        let mut others = self.recipients(to).filter(|id| *id != self.identity.id()).peekable();
        if others.peek().is_some() {
            let (lane, frame) = (message.lane(), Peers::frame(&message));
            others.for_each(|id| self.peers.send(id, lane, frame.clone()));
        }
        self.counts.add(Count::MessagesSent);
        self.recipients(to).any(|id| id == self.identity.id()).then_some(message)
    }

    /// Signs the results of a batch.
    pub(crate) fn results(&self, results: Results) -> Signed<Results> {
        Signed::new(results, self.identity.id(), self.identity.membership().scope(), self.identity.key())
    }

    fn recipients(&self, to: Recipients) -> impl Iterator<Item = ReplicaId> + use<> {
        let own = self.identity.id();
        self.identity.membership().ids().filter(move |id| match to {
            Recipients::Everyone => true,
            Recipients::Others => *id != own,
            Recipients::One(one) => *id == one,
        })
    }
}
