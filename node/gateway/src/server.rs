//! Listening, with bounds.

use std::future::Future;
use std::io;
use std::sync::Arc;

use tetrarch_kv_client::Backend;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::transport::Server;

use crate::address::Address;
use crate::compactor::{self, AutoCompaction};
use crate::connections::connections;
use crate::gateway::Gateway;
use crate::limits::{GRACE, MAX_CANCELLED_UNSEEN, MAX_STREAMS, PING_TIMEOUT};
use crate::services;
use crate::tls::Tls;

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

/// What may be chosen.
#[derive(Debug, Default)]
pub struct Options {
    /// Certificates to serve with; without, in plain text.
    pub tls: Option<Tls>,
    /// What history is kept; without, all that no client compacts and the store has room for.
    pub auto_compaction: Option<AutoCompaction>,
    /// The URLs that clients are told to reach it at; without any, where it listens.
    pub advertised: Vec<String>,
}

/// Serves etcd's API until `ended` comes to be. Calls under way are answered first; what is not by five seconds later, as a stream that its
/// client leaves open, ends with the runtime.
///
/// # Errors
/// If it cannot listen or serve.
pub async fn serve<B: Backend>(
    backend: B,
    listener: TcpListener,
    options: Options,
    ended: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let Options { tls, auto_compaction, advertised } = options;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let address = Address { advertised, listening: listener.local_addr()?, scheme };
    let gateway = Arc::new(Gateway::new(backend, address));
    let compacting = async {
        match auto_compaction {
            Some(kept) => compactor::run(gateway.clone(), kept).await,
            None => std::future::pending().await,
        }
    };
    let arrivals = connections(listener, tls, gateway.metrics.clone());
    let router = services::router(gateway.clone());
    let routes = tonic::service::Routes::from(router).prepare();
    let (ending, begun) = oneshot::channel::<()>();
    let shutdown = async {
        ended.await;
        drop(ending);
    };
    tokio::select! {
        () = compacting => Ok(()),
        served = bounded().serve_with_incoming_shutdown(routes, arrivals, shutdown) => Ok(served?),
        () = async { drop(begun.await); tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

pub(crate) fn bounded() -> Server {
    Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_pending_accept_reset_streams(Some(MAX_CANCELLED_UNSEEN))
        .http2_keepalive_interval(Some(PING_TIMEOUT))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
}
