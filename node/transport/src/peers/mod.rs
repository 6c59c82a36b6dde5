//! Replica to replica.
//!
//! ```text
//!   send ─▶ queue (peer, lane) ─▶ dialled connection ══ votes ══▶ accepted connection ─▶ Inbound::votes
//!                                                    ══ bulk ═══▶                     ─▶ Inbound::bulk
//! ```
//!
//! Each replica dials every other one and only sends on that connection; it receives on the connection that the other one
//! dialled. So two connections lie between two replicas, and neither end has to decide which of them counts.

mod accept;
mod counters;
mod dial;
mod link;
mod queue;
mod receive;
mod start;

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};

use bytes::Bytes;
use quinn::Endpoint;
use tetrarch_crypto::SigningKey;
use tetrarch_types::{Lane, Membership, Message, ReplicaId, encode};
use tokio::sync::mpsc;

use self::{counters::Counters, link::Link};
use crate::{
    TransportError,
    frame::{LENGTH_BYTES, frame, lane_limit},
    socket,
    tasks::Tasks,
};

/// Who this replica is and where the others are.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// This replica.
    pub id: ReplicaId,
    /// The members: whoever's key is not among them is not let in.
    pub membership: Arc<Membership>,
    /// This replica's identity key: the one that the membership names for `id`.
    pub key: SigningKey,
    /// Where to listen for the other replicas. Not read by [`PeerEndpoint::start`], which listens already.
    pub listen: SocketAddr,
    /// Where the replicas listen, by id; this replica's own entry is not used.
    pub peers: Vec<SocketAddr>,
}

/// A message and who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The member at the other end, authenticated by its key. It need not be the message's signer: messages are relayed.
    pub from: ReplicaId,
    /// What it sent; decoded strictly, its signature not verified.
    pub message: Message,
}

/// Where received messages go. When a channel is full, reading from the peers that have something for it pauses.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Messages of [`Lane::Votes`].
    pub votes: mpsc::Sender<Received>,
    /// Messages of [`Lane::Bulk`].
    pub bulk: mpsc::Sender<Received>,
}

/// What the peers' transport counted since its start, over all peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCounters {
    /// Frames handed to QUIC.
    pub frames_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Frames received, decoded and passed on.
    pub frames_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Frames that were never sent: queues were full, or the frame did not fit its lane.
    pub dropped: u64,
    /// Connections closed for what came over them, and connection attempts turned away after their handshake.
    pub rejected: u64,
    /// Times that an outgoing connection was made again after one was lost.
    pub reconnects: u64,
}

/// A bound socket: its address is known before the peers' addresses need to be.
#[derive(Debug)]
pub struct PeerEndpoint {
    socket: UdpSocket,
    address: SocketAddr,
}

impl PeerEndpoint {
    /// Takes the port; 0 lets the operating system choose one.
    ///
    /// # Errors
    /// [`TransportError::AddressInUse`] or [`TransportError::Bind`].
    pub async fn bind(listen: SocketAddr) -> Result<Self, TransportError> {
        let socket = socket::bind(listen)?;
        let address = socket::local_address(&socket)?;
        Ok(Self { socket, address })
    }

    /// The address with the port that was taken.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Listens and dials. `config.listen` is not read.
    ///
    /// # Errors
    /// [`TransportError`] when the configuration contradicts itself.
    pub async fn start(self, config: PeerConfig, inbound: Inbound) -> Result<Peers, TransportError> {
        start::start(self, config, inbound)
    }
}

/// The connections with all other replicas. Dropping it ends them.
#[derive(Debug)]
pub struct Peers {
    id: ReplicaId,
    address: SocketAddr,
    endpoint: Endpoint,
    links: Vec<Arc<Link>>,
    counters: Arc<Counters>,
    tasks: Tasks,
}

impl Peers {
    /// Listens on `config.listen` and dials every other member, again and again until it is there.
    ///
    /// # Errors
    /// [`TransportError`] when the port cannot be had or the configuration contradicts itself.
    pub async fn start(config: PeerConfig, inbound: Inbound) -> Result<Self, TransportError> {
        PeerEndpoint::bind(config.listen).await?.start(config, inbound).await
    }

    /// Encodes a message once, to be sent to many.
    pub fn frame(message: &Message) -> Bytes {
        frame(&[&encode(message)])
    }

    /// Queues a frame for a peer. Never blocks and never fails: when the queue of this peer and lane is full, its oldest frames
    /// are dropped and counted. So is a frame that is too large for its lane, or that goes to nobody else.
    pub fn send(&self, to: ReplicaId, lane: Lane, frame: Bytes) {
        let fits = frame.len().saturating_sub(LENGTH_BYTES) <= lane_limit(lane);
        let link = self.links.get(to.index()).filter(|_| to != self.id && fits);
        let Some(link) = link else {
            tracing::warn!(%to, ?lane, bytes = frame.len(), "a frame that cannot be sent: too large, or not for another member");
            return self.counters.dropped(1);
        };
        self.counters.dropped(link.push(lane, frame));
    }

    /// By replica id, whether the connection on which this replica sends to it is up. Its own entry is true.
    pub fn connected(&self) -> Vec<bool> {
        let own = self.id.index();
        self.links.iter().enumerate().map(|(index, link)| index == own || link.is_connected()).collect()
    }

    /// What was counted so far.
    pub fn counters(&self) -> PeerCounters {
        self.counters.snapshot()
    }

    /// Where this replica listens for the others.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Tells the peers goodbye and ends all connections. Frames still queued are dropped. The port is free soon after.
    pub async fn close(&self) {
        self.endpoint.close(crate::close::CloseCode::Goodbye.code(), b"it shuts down");
        self.tasks.stop().await;
        self.links.iter().for_each(|link| link.clear());
        socket::close(&self.endpoint).await;
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.endpoint.close(crate::close::CloseCode::Goodbye.code(), b"it shuts down");
    }
}
