//! The network seam: where somebody else can speak and hear in a node's place.
//!
//! ```text
//!   outbox ──▶ Seam::say ──▶ Mouth ──▶ peers          egress, desk ──▶ Seam::answer ──▶ clients
//!   peers ──▶ gate ──▶ Seam::hear ──▶ inbox           desk ──▶ Seam::admit ──▶ inbox
//! ```
//!
//! It is there for replicas that are corrupted on purpose, in testnets. A node has one only if whoever starts it hands it one, through
//! [`run_behind`](crate::run_behind) or [`Node::start_behind`](crate::Node::start_behind): no configuration, environment or argument of
//! a node leads there. What the node itself believes, writes down and says to itself is as honest as ever.

use std::sync::{Arc, Weak};

use tetrarch_transport::Peers;
use tetrarch_types::{Message, ReplicaId, Response, Transaction};

/// Speaks and hears in a node's place. Called from the node's own threads, several at a time: it must not wait.
pub trait Seam: Send + Sync {
    /// The node starts, for the first time or anew. `mouth` is how to say anything from now on.
    fn begin(&self, mouth: Mouth);

    /// The replica has this to say to one peer. Whatever is to be said instead, now or later, goes through the mouth.
    fn say(&self, to: ReplicaId, message: &Arc<Message>);

    /// What a client is answered instead of this; none if nothing.
    fn answer(&self, response: Response) -> Option<Response>;

    /// A verified message arrived; whether the replica gets to hear it.
    fn hear(&self, message: &Message) -> bool;

    /// A client's verified transaction arrived; whether the replica gets to hear of it.
    fn admit(&self, transaction: &Transaction) -> bool;
}

/// Says anything to the peers of one node, as long as it runs.
#[derive(Clone, Debug)]
pub struct Mouth {
    /// Weak: a seam that outlives its node keeps no port.
    peers: Weak<Peers>,
}

impl Mouth {
    pub(crate) fn new(peers: &Arc<Peers>) -> Self {
        Self { peers: Arc::downgrade(peers) }
    }

    /// Hands the message to the transport, which drops the oldest when a queue is full. Returns whether the node still runs.
    pub fn say(&self, to: ReplicaId, message: &Message) -> bool {
        let Some(peers) = self.peers.upgrade() else { return false };
        peers.send(to, message.lane(), Peers::frame(message));
        true
    }
}
