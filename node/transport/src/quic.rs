//! QUIC's limits for each kind of connection. Everything that this project does not use is off: datagrams, streams in the other
//! direction, more streams than are named here.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use quinn::{
    ClientConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt,
    congestion::{Controller, ControllerFactory, CubicConfig},
    crypto::rustls::QuicServerConfig,
};
use tetrarch_types::limits::{MAX_BULK_BYTES, MAX_CLIENT_FRAME_BYTES};

/// How often replicas keep idle connections alive.
const PEER_KEEP_ALIVE: Duration = Duration::from_secs(2);
/// How long a replica may be silent before its connection is given up.
pub(crate) const PEER_IDLE: Duration = Duration::from_secs(6);
/// Assumed before it is measured. Lower than QUIC's 333 ms, so that a lost first packet costs less.
const INITIAL_ROUND_TRIP: Duration = Duration::from_millis(100);

/// One whole bulk frame, and room beside it.
const BULK_WINDOW: usize = MAX_BULK_BYTES + 64 * 1024;
/// Room in a connection that a stalled bulk stream cannot take from the votes.
const VOTES_RESERVE: usize = 4 * 1024 * 1024;
/// What a listener takes from a client ahead of reading it. A larger frame flows on while it is read.
const REQUEST_WINDOW: usize = 1024 * 1024;
/// What a client takes from a replica ahead of reading it.
const RESPONSE_WINDOW: usize = 2 * MAX_CLIENT_FRAME_BYTES;
/// Responses for one client in QUIC's hands.
const RESPONSE_SEND_WINDOW: usize = MAX_CLIENT_FRAME_BYTES;

/// The replica's side that accepted: two streams from the other replica, none back.
pub(crate) fn peer_incoming() -> TransportConfig {
    let mut config = peer();
    config.max_concurrent_uni_streams(VarInt::from_u32(2));
    windows(&mut config, BULK_WINDOW, BULK_WINDOW + VOTES_RESERVE);
    config
}

/// The replica's side that dialled. A stream is buffered no further than the other side's window for it, so the votes' reserve
/// remains for the votes here, too.
pub(crate) fn peer_outgoing() -> TransportConfig {
    let mut config = peer();
    config.send_window((BULK_WINDOW + VOTES_RESERVE) as u64);
    config
}

/// The listener's side of a client's connection: one stream, opened by the client.
pub(crate) fn listener(idle: Duration) -> TransportConfig {
    let mut config = base(idle);
    config.max_concurrent_bidi_streams(VarInt::from_u32(1));
    windows(&mut config, REQUEST_WINDOW, REQUEST_WINDOW);
    config.send_window(RESPONSE_SEND_WINDOW as u64);
    config
}

/// The client's side.
pub(crate) fn connector(idle: Duration, keep_alive: Duration) -> TransportConfig {
    let mut config = base(idle);
    config.keep_alive_interval(Some(keep_alive));
    windows(&mut config, RESPONSE_WINDOW, RESPONSE_WINDOW);
    config.send_window(RESPONSE_WINDOW as u64);
    config
}

/// What a listening endpoint does with newcomers. Each of them is accepted with [`accepting`].
pub(crate) fn server(crypto: Arc<QuicServerConfig>) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(crypto);
    config.max_incoming(1024).incoming_buffer_size(16 * 1024).incoming_buffer_size_total(4 * 1024 * 1024);
    config
}

/// What one newcomer is accepted with. `place` is dropped when QUIC has nothing left of the connection: see [`Holding`].
pub(crate) fn accepting<P: Send + Sync + 'static>(
    server: &ServerConfig,
    transport: TransportConfig,
    place: P,
) -> Arc<ServerConfig> {
    let mut config = server.clone();
    config.transport_config(holding(transport, place));
    Arc::new(config)
}

/// What one connection is dialled with. `place` is dropped when QUIC has nothing left of it: see [`Holding`].
pub(crate) fn dialling<P: Send + Sync + 'static>(
    client: &ClientConfig,
    transport: TransportConfig,
    place: P,
) -> ClientConfig {
    let mut config = client.clone();
    config.transport_config(holding(transport, place));
    config
}

fn holding<P: Send + Sync + 'static>(mut transport: TransportConfig, place: P) -> Arc<TransportConfig> {
    transport.congestion_controller_factory(Arc::new(Holding { _place: place }));
    Arc::new(transport)
}

/// Holds something for as long as QUIC remembers a connection.
///
/// That is well beyond the connection's end: what was buffered stays in memory for three of its time-outs, and the other side says how long
/// those are (it may claim to acknowledge late, 16 seconds, and do so). Connections are to be counted for as long, or somebody had as many
/// of them in memory as can be opened and closed in that time.
///
/// A connection's configuration is in QUIC's hands for exactly that time, and has room for one thing of ours: what makes congestion
/// controllers. They are the default ones.
struct Holding<P> {
    _place: P,
}

impl<P> ControllerFactory for Holding<P> {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Arc::new(CubicConfig::default()).build(now, current_mtu)
    }
}

fn peer() -> TransportConfig {
    let mut config = base(PEER_IDLE);
    config.keep_alive_interval(Some(PEER_KEEP_ALIVE));
    config
}

fn base(idle: Duration) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .initial_rtt(INITIAL_ROUND_TRIP)
        .max_idle_timeout(Some(idle_timeout(idle)));
    config
}

fn windows(config: &mut TransportConfig, stream: usize, connection: usize) {
    config.stream_receive_window(window(stream)).receive_window(window(connection));
}

fn window(bytes: usize) -> VarInt {
    u32::try_from(bytes).map_or(VarInt::MAX, VarInt::from_u32)
}

fn idle_timeout(idle: Duration) -> IdleTimeout {
    let milliseconds = u32::try_from(idle.as_millis()).unwrap_or(u32::MAX);
    IdleTimeout::from(VarInt::from_u32(milliseconds))
}
