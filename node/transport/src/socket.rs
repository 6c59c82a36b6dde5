//! UDP sockets and the QUIC endpoints on them.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use quinn::{Endpoint, EndpointConfig, ServerConfig, TokioRuntime};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;
use socket2::{Domain, Protocol, Socket, Type};
use tetrarch_crypto::SigningKey;
use tokio::runtime::Handle;

use crate::{TransportError, close::CloseCode};

/// What is asked of the operating system for each socket and direction. It may give less.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// How long the last words may take.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// How long a client's goodbyes may take to leave the process.
const GOODBYE_WAIT: Duration = Duration::from_millis(5);

/// Takes a port; 0 lets the operating system choose.
pub(crate) fn bind(address: SocketAddr) -> Result<UdpSocket, TransportError> {
    open(address).map_err(|reason| match reason.kind() {
        io::ErrorKind::AddrInUse => TransportError::AddressInUse { address },
        _ => TransportError::Bind { address, reason },
    })
}

/// A port for a client: for both families of addresses where the machine has both.
pub(crate) fn bind_any() -> Result<UdpSocket, TransportError> {
    bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).or_else(|_| bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))))
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        let _either_is_fine = socket.set_only_v6(false);
    }
    let grown = socket
        .set_recv_buffer_size(SOCKET_BUFFER_BYTES)
        .and_then(|()| socket.set_send_buffer_size(SOCKET_BUFFER_BYTES));
    if let Err(error) = grown {
        tracing::debug!(%address, %error, "the socket keeps its small buffers");
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// The endpoint of a replica on a bound socket.
///
/// Its reset key and connection ids derive from the replica's identity and `purpose`. A replica that was killed and started
/// again can so tell its peers and clients at their next packet that their old connections are gone, instead of letting them
/// time out.
pub(crate) fn endpoint(
    socket: UdpSocket,
    server: ServerConfig,
    key: &SigningKey,
    purpose: &[u8],
) -> Result<Endpoint, TransportError> {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &key.to_pkcs8_der());
    let derive = |label: &[u8]| hmac::sign(&secret, &[label, purpose].concat());
    let reset = hmac::Key::new(hmac::HMAC_SHA256, derive(b"tetrarch stateless reset ").as_ref());
    let ids =
        derive(b"tetrarch connection ids ").as_ref().iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte));
    let mut config = EndpointConfig::new(Arc::new(reset));
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)));
    new(config, Some(server), socket)
}

/// The endpoint of a client.
pub(crate) fn client_endpoint(socket: UdpSocket) -> Result<Endpoint, TransportError> {
    new(EndpointConfig::default(), None, socket)
}

fn new(config: EndpointConfig, server: Option<ServerConfig>, socket: UdpSocket) -> Result<Endpoint, TransportError> {
    if Handle::try_current().is_err() {
        return Err(TransportError::NoRuntime);
    }
    let address = local_address(&socket)?;
    Endpoint::new(config, server, socket, Arc::new(TokioRuntime))
        .map_err(|reason| TransportError::Bind { address, reason })
}

/// The address that a socket has.
pub(crate) fn local_address(socket: &UdpSocket) -> Result<SocketAddr, TransportError> {
    let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    socket.local_addr().map_err(|reason| TransportError::Bind { address: unknown, reason })
}

/// Says goodbye on all connections and waits until the words have left, not until the connections are forgotten: for a client,
/// whose port nobody waits for.
pub(crate) async fn say_goodbye(endpoint: &Endpoint) {
    endpoint.close(CloseCode::Goodbye.code(), b"the client is done");
    // Either way the words are on their way; what the time-out cuts short is the wait for stragglers.
    let _ = tokio::time::timeout(GOODBYE_WAIT, endpoint.wait_idle()).await;
}

/// Says goodbye on all connections, gives the words a moment to leave, and frees the port.
pub(crate) async fn close(endpoint: &Endpoint) {
    endpoint.close(CloseCode::Goodbye.code(), b"it shuts down");
    if tokio::time::timeout(CLOSE_WAIT, endpoint.wait_idle()).await.is_err() {
        tracing::debug!("connections were still draining when the endpoint closed");
    }
    // QUIC keeps the socket for as long as it remembers a connection, and the one before it. What is left gets another port.
    for _ in 0..2 {
        let rebound = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| endpoint.rebind(socket));
        if let Err(error) = rebound {
            tracing::debug!(%error, "the port remains taken until the last connection is forgotten");
        }
    }
}
