//! A client's connections with the replicas.

mod link;
mod session;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use quinn::{ClientConfig, Endpoint};
use tetrarch_crypto::PublicKey;
use tetrarch_types::{ReplicaId, Request, Response, encode, limits::MAX_CLIENT_FRAME_BYTES};

use self::link::Link;
use crate::{
    RequestError, TransportError,
    close::CloseCode,
    quic, socket,
    tls::{self, CLIENT_PROTOCOL},
    way::Way,
};

/// How a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectorConfig {
    /// Which of this machine's addresses to ask from; the operating system chooses where there is none.
    pub from: Option<IpAddr>,
    /// How long a request waits for a connection, over all attempts, before it ends as [`RequestError::Unreachable`].
    pub connect_timeout: Duration,
    /// How long a replica may be silent, answers to keep-alives included, before its connection counts as lost.
    pub idle_timeout: Duration,
    /// How often an idle connection is kept alive.
    pub keep_alive: Duration,
}

impl Default for ConnectorConfig {
    fn default() -> Self {
        Self {
            from: None,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(3),
        }
    }
}

/// A client's side: one UDP socket, and a connection with each replica that was asked something. Shared by reference; requests run
/// concurrently. Dropping it ends all connections.
#[derive(Debug)]
pub struct Connector {
    from: Option<IpAddr>,
    endpoint: Endpoint,
    links: Vec<Arc<Link>>,
}

impl Connector {
    /// A connector for these replicas, by id: the key that each must prove and where clients reach it. Connects to nobody yet.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`TransportError`] when there is no runtime or no socket.
    pub fn new(replicas: Vec<(PublicKey, SocketAddr)>, config: ConnectorConfig) -> Result<Self, TransportError> {
        let endpoint = endpoint(config.from)?;
        let transport = Arc::new(move || quic::connector(config.idle_timeout, config.keep_alive));
        let link = |(index, (key, address))| {
            let client = ClientConfig::new(tls::client(key, CLIENT_PROTOCOL, None)?);
            let replica = ReplicaId::new(u16::try_from(index).unwrap_or(u16::MAX));
            let way = Way::new(endpoint.clone(), address, client, transport.clone());
            Ok(Arc::new(Link::new(replica, way, config.connect_timeout)))
        };
        let links = replicas.into_iter().enumerate().map(link).collect::<Result<_, TransportError>>()?;
        Ok(Self { from: config.from, endpoint, links })
    }

    /// Another one for the same replicas, with a socket and connections of its own. Connects to nobody yet. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`TransportError`] when there is no runtime or no socket.
    pub fn another(&self) -> Result<Self, TransportError> {
        let endpoint = endpoint(self.from)?;
        let links = self.links.iter().map(|link| Arc::new(link.over_socket(endpoint.clone()))).collect();
        Ok(Self { from: self.from, endpoint, links })
    }

    /// Encodes a request once, to be sent to many.
    pub fn encode(request: &Request) -> Bytes {
        Bytes::from(encode(request))
    }

    /// Sends an encoded request to one replica and waits for its response, as long as it takes: the caller sets the time
    /// limit, and may drop the future at any moment. A replica reads no further request of this connector while
    /// [`ClientLimits::requests_in_flight_per_connection`](crate::ClientLimits::requests_in_flight_per_connection) are unanswered.
    ///
    /// # Errors
    /// [`RequestError`] when there is no response to wait for.
    pub async fn request(&self, replica: ReplicaId, encoded: Bytes) -> Result<Response, RequestError> {
        let known = self.links.len();
        let link = self.links.get(replica.index()).ok_or(RequestError::UnknownReplica { replica, known })?;
        if encoded.len() > MAX_CLIENT_FRAME_BYTES {
            return Err(RequestError::TooLarge { actual: encoded.len(), limit: MAX_CLIENT_FRAME_BYTES });
        }
        link.request(encoded).await
    }

    /// Ends all connections. Requests that wait end with [`RequestError::ConnectorClosed`].
    pub async fn close(&self) {
        self.links.iter().for_each(|link| link.close());
        socket::say_goodbye(&self.endpoint).await;
    }
}

/// The endpoint of a connector, on any free port.
fn endpoint(from: Option<IpAddr>) -> Result<Endpoint, TransportError> {
    let socket = from.map_or_else(socket::bind_any, |address| socket::bind(SocketAddr::new(address, 0)))?;
    socket::client_endpoint(socket)
}

impl Drop for Connector {
    fn drop(&mut self) {
        self.links.iter().for_each(|link| link.close());
        self.endpoint.close(CloseCode::Goodbye.code(), b"the client is done");
    }
}
