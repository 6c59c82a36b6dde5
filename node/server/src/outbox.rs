//! The one place where this replica's key signs messages, and where they leave.

use std::sync::Arc;

use tetrarch_crypto::{Ed25519, Remembering};
use tetrarch_replica::Recipients;
use tetrarch_transport::{Peers, Responder};
use tetrarch_types::{Message, Payload, ReplicaId, Response, Signable, Signed, sign};

use crate::Identity;
use crate::counters::{Count, Counts};
use crate::seam::{Mouth, Seam};

/// Signs and sends.
pub(crate) struct Outbox {
    identity: Identity,
    peers: Arc<Peers>,
    /// What this replica signs, it need not examine when it comes back.
    scheme: Arc<Remembering<Ed25519>>,
    seam: Option<Arc<dyn Seam>>,
    counts: Counts,
}

impl Outbox {
    pub(crate) fn new(
        identity: Identity,
        peers: Arc<Peers>,
        scheme: Arc<Remembering<Ed25519>>,
        seam: Option<Arc<dyn Seam>>,
        counts: Counts,
    ) -> Self {
        if let Some(seam) = &seam {
            seam.begin(Mouth::new(&peers));
        }
        Self { identity, peers, scheme, seam, counts }
    }

    /// Signs a payload, encodes it once and hands it to the transport for each recipient. Returns the message if this replica is
    /// one of them. Never waits.
    pub(crate) fn send(&self, to: Recipients, payload: Payload) -> Option<Message> {
        let scope = self.identity.membership().scope();
        let message = sign(payload, self.identity.id(), scope, &self.scheme.signer(self.identity.key()));
        let mut others = self.recipients(to).filter(|id| *id != self.identity.id()).peekable();
        if others.peek().is_some() {
            self.say(others, &message);
        }
        self.counts.add(Count::MessagesSent);
        self.recipients(to).any(|id| id == self.identity.id()).then_some(message)
    }

    fn say(&self, others: impl Iterator<Item = ReplicaId>, message: &Message) {
        if let Some(seam) = &self.seam {
            let message = Arc::new(message.clone());
            return others.for_each(|id| seam.say(id, &message));
        }
        let (lane, frame) = (message.lane(), Peers::frame(message));
        others.for_each(|id| self.peers.send(id, lane, frame.clone()));
    }

    /// Answers a client. Never waits.
    pub(crate) fn answer(&self, responder: Responder, response: Response) {
        match &self.seam {
            None => responder.send(response),
            Some(seam) => {
                if let Some(response) = seam.answer(response) {
                    responder.send(response);
                }
            }
        }
    }

    /// Signs the results of a batch, decided or not.
    pub(crate) fn results<S: Signable>(&self, results: S) -> Signed<S> {
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
