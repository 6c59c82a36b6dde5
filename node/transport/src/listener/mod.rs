//! A replica's door for clients.
//!
//! A client opens one stream. Frames on it are a number that the client chose and a request; frames back are the same number
//! and its response, in any order.

mod accept;
mod admission;
pub(crate) mod connection;
mod counters;
mod outbox;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use quinn::Endpoint;
use tetrarch_crypto::SigningKey;
use tetrarch_types::{Host, Request, Response};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use self::{accept::Door, admission::Admission, counters::Counters, outbox::Outbox};
use crate::{
    TransportError,
    close::CloseCode,
    quic, socket,
    tasks::Tasks,
    tls::{self, CLIENT_PROTOCOL},
};

/// Bounds against clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Connections in all: also those that are being made, and those that ended and that QUIC has not forgotten yet. A host may have as many
    /// as it leaves free: alone half of them.
    pub connections: usize,
    /// Connections from one address at most; IPv6 addresses of one /64 count as one.
    pub connections_per_address: usize,
    /// Requests of one connection that are not answered yet. Nothing more is read from it until one is.
    pub requests_in_flight_per_connection: usize,
    /// Responses of one connection that QUIC has not taken yet, in bytes. A slower reader is cut off.
    pub response_bytes_per_connection: usize,
    /// How long a client may be silent, keep-alives included, before it counts as gone; for how long it may take nothing of the
    /// responses that wait for it; and how long a request may take from its beginning to its end, beside a second for each 16 KiB of it.
    pub idle_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_address: 1_024,
            requests_in_flight_per_connection: 1_024,
            response_bytes_per_connection: 32 * 1024 * 1024,
            idle_timeout: Duration::from_secs(30),
        }
    }
}

/// Where to listen for clients, and as whom.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// The address for clients; apart from the peers' one.
    pub listen: SocketAddr,
    /// The replica's identity key, which clients pin.
    pub key: SigningKey,
    /// Bounds.
    pub limits: ClientLimits,
}

/// What a listener counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerCounters {
    /// Connections now, those that are being made and those that QUIC has not forgotten yet among them.
    pub open: u64,
    /// Connections whose handshake succeeded.
    pub accepted: u64,
    /// Attempts turned away because of a limit.
    pub refused: u64,
    /// Attempts that were asked to prove their address first.
    pub retried: u64,
    /// Requests received.
    pub requests: u64,
    /// Responses handed to QUIC.
    pub responses: u64,
    /// Connections closed because of what came over them.
    pub malformed: u64,
    /// Connections closed because they did not take their responses, or did not end a request that they began.
    pub slow: u64,
}

/// A client's request and the way back to it.
#[derive(Debug)]
pub struct Incoming {
    /// What it asks; decoded strictly, its signature not verified.
    pub request: Request,
    /// Takes the response.
    pub responder: Responder,
}

/// The way back to a client, for one response. Dropped unused, the client gets none, and its place among the requests in flight is
/// free again.
#[derive(Debug)]
pub struct Responder {
    id: u64,
    host: Host,
    place: OwnedSemaphorePermit,
    outbox: Arc<Outbox>,
}

impl Responder {
    /// Sends the response. Never blocks. When the client is gone nothing happens. A response that is too large for a frame becomes
    /// [`Refusal::TooLarge`](tetrarch_types::Refusal::TooLarge).
    pub fn send(self, response: Response) {
        self.outbox.push(self.id, &response, self.place);
    }

    /// Where the client connected from.
    pub const fn host(&self) -> Host {
        self.host
    }

    /// Whether the client is gone, so that no response is needed.
    pub fn is_closed(&self) -> bool {
        self.outbox.is_closed()
    }
}

/// A replica's endpoint for clients. Dropping it ends all their connections.
#[derive(Debug)]
pub struct ClientListener {
    address: SocketAddr,
    endpoint: Endpoint,
    admission: Arc<Admission>,
    counters: Arc<Counters>,
    tasks: Tasks,
}

impl ClientListener {
    /// Listens; port 0 lets the operating system choose one. When `inbound` is full, reading from clients pauses.
    ///
    /// # Errors
    /// [`TransportError`] when the port cannot be had.
    pub async fn start(config: ListenerConfig, inbound: mpsc::Sender<Incoming>) -> Result<Self, TransportError> {
        let ListenerConfig { listen, key, limits } = config;
        let socket = socket::bind(listen)?;
        let address = socket::local_address(&socket)?;
        let server = quic::server(tls::server(&key, CLIENT_PROTOCOL, None)?);
        let endpoint = socket::endpoint(socket, server.clone(), &key, CLIENT_PROTOCOL)?;
        let admission = Arc::new(Admission::new(&limits));
        let counters = Arc::new(Counters::default());
        let door = Door { server, limits, admission: admission.clone(), inbound, counters: counters.clone() };
        let tasks = Tasks::default();
        tasks.add(tokio::spawn(door.run(endpoint.clone())));
        Ok(Self { address, endpoint, admission, counters, tasks })
    }

    /// Where it listens.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// What was counted so far.
    pub fn counters(&self) -> ListenerCounters {
        self.counters.snapshot(self.admission.taken())
    }

    /// Tells the clients goodbye and ends all connections. The port is free soon after.
    pub async fn close(&self) {
        self.endpoint.close(CloseCode::Goodbye.code(), b"it shuts down");
        self.tasks.stop().await;
        socket::close(&self.endpoint).await;
    }
}

impl Drop for ClientListener {
    fn drop(&mut self) {
        self.endpoint.close(CloseCode::Goodbye.code(), b"it shuts down");
    }
}
