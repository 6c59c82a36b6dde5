//! Listening, with bounds.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tetrarch_kv_client::Backend;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use crate::gateway::Gateway;
use crate::limits::{GRACE, MAX_CONNECTIONS, MAX_STREAMS, PING_TIMEOUT};
use crate::services;

/// The wait after a connection that could not be accepted: there may be too many files open, and that does not end at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the gateway does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket says no.
    #[error("the gateway cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// The server says no.
    #[error("the gateway cannot serve: {0}")]
    Serve(#[from] tonic::transport::Error),
}

/// Serves etcd's API until `ended` comes to be. Calls under way are answered first; what is not by five seconds later, as a stream that its
/// client leaves open, ends with the runtime.
///
/// # Errors
/// If it cannot listen or serve.
pub async fn serve<B: Backend>(
    backend: B,
    listener: TcpListener,
    ended: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let url = format!("http://{}", listener.local_addr()?);
    let router = services::router(Arc::new(Gateway::new(backend, url)));
    let routes = tonic::service::Routes::from(router).prepare();
    let (ending, begun) = oneshot::channel::<()>();
    let shutdown = async {
        ended.await;
        drop(ending);
    };
    tokio::select! {
        served = bounded().serve_with_incoming_shutdown(routes, connections(listener), shutdown) => Ok(served?),
        () = async { drop(begun.await); tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

fn bounded() -> Server {
    Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_keepalive_interval(Some(PING_TIMEOUT))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
}

/// Accepts so many connections at once; whoever comes then waits in the system's queue.
fn connections(listener: TcpListener) -> ReceiverStream<io::Result<Connection>> {
    let (arrivals, connections) = mpsc::channel(1);
    tokio::spawn(accept_all(listener, arrivals));
    ReceiverStream::new(connections)
}

/// Ends when nobody takes connections any more.
async fn accept_all(listener: TcpListener, arrivals: mpsc::Sender<io::Result<Connection>>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(place) = places.clone().acquire_owned().await {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = arrivals.closed() => return,
        };
        match accepted.and_then(|(stream, _)| Connection::new(stream, place)) {
            Ok(connection) => {
                if arrivals.send(Ok(connection)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection, and its place among those that may be.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, _place: place })
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
