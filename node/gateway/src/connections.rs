//! Accepting connections, with bounds, and wrapping them in TLS.

mod opening;
mod taking;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tetrarch_types::Host;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use self::opening::Opening;
use self::taking::Taking;
use crate::hosts::{Place, Places};
use crate::limits::{HANDSHAKE_TIMEOUT, MAX_CONNECTIONS, OPENING_TIMEOUT, TAKING_TIMEOUT};
use crate::metrics::{Metrics, UnderWay};
use crate::tls::Tls;

/// The wait after a connection that could not be accepted: there may be too many files open, and that does not end at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type Arrivals = mpsc::Sender<io::Result<Connection>>;

/// Accepts so many connections at once, and closes those for which their host has no place left.
pub(crate) fn connections(
    listener: TcpListener,
    tls: Option<Tls>,
    metrics: Arc<Metrics>,
) -> ReceiverStream<io::Result<Connection>> {
    let (arrivals, connections) = mpsc::channel(1);
    tokio::spawn(accept_all(listener, tls, metrics, Places::of(MAX_CONNECTIONS), arrivals));
    ReceiverStream::new(connections)
}

/// Ends when nobody takes connections any more.
async fn accept_all(
    listener: TcpListener,
    tls: Option<Tls>,
    metrics: Arc<Metrics>,
    places: Arc<Places>,
    arrivals: Arrivals,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = arrivals.closed() => return,
        };
        match accepted.and_then(|(stream, caller)| prepared(stream, caller)) {
            Ok((stream, ends)) => match places.take(ends.host) {
                Some(place) => {
                    let place = Kept { _place: place, _counted: metrics.connected() };
                    // In a task of its own: nobody waits for another one's handshake.
                    drop(tokio::spawn(welcome(stream, ends, tls.clone(), place, arrivals.clone())));
                }
                None => tracing::debug!(host = ?ends.host, "a connection is one too many"),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection without delays, and its ends.
fn prepared(stream: TcpStream, caller: SocketAddr) -> io::Result<(TcpStream, Ends)> {
    stream.set_nodelay(true)?;
    let ends = Ends { here: stream.local_addr()?, host: caller.ip().into() };
    Ok((stream, ends))
}

/// Hands a connection on; after the handshake, if there has to be one.
async fn welcome(stream: TcpStream, ends: Ends, tls: Option<Tls>, place: Kept, arrivals: Arrivals) {
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(tls) => match timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => return tracing::info!(%error, "a TLS handshake failed"),
            Err(_) => return tracing::info!("a TLS handshake took too long"),
        },
    };
    // When nobody takes it, the server ends.
    let _ = arrivals.send(Ok(Connection::new(stream, ends, place))).await;
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A place among the connections that may be.
struct Kept {
    _place: Place,
    _counted: UnderWay,
}

/// The ends of a connection. They come with each of its requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    /// Where the client has reached the gateway.
    pub(crate) here: SocketAddr,
    /// Where it is itself.
    pub(crate) host: Host,
}

/// A connection, and its place. It can be read from as long as its client is not late to begin, and written to as long as it takes something.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    opening: Opening,
    taking: Taking,
    ends: Ends,
    _place: Kept,
}

impl Connection {
    fn new(stream: Box<dyn Stream>, ends: Ends, place: Kept) -> Self {
        let (opening, taking) = (Opening::within(OPENING_TIMEOUT), Taking::within(TAKING_TIMEOUT));
        Self { stream, opening, taking, ends, _place: place }
    }
}

impl Connected for Connection {
    type ConnectInfo = Ends;

    fn connect_info(&self) -> Ends {
        self.ends
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending() && self.opening.is_late(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.opening.hear(buffer.filled().get(before..).unwrap_or_default());
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.taking.judge(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.stream).poll_flush(cx);
        self.taking.judge(cx, written)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.taking.judge(cx, written)
    }
}

#[cfg(test)]
mod tests;
