//! A running node.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;

use tetrarch_kv::StateMachine;
use tetrarch_storage::{HighWaterMark, Store, StoreError};
use tetrarch_transport::{ClientListener, Peers};
use tetrarch_types::{Evidence, NodeStatus};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use crate::assembly::{self, Running};
use crate::clock::Clock;
use crate::doors::Doors;
use crate::recovery::{self, Durable, Findings, Recovered};
use crate::seam::Seam;
use crate::shared::Shared;
use crate::status::Report;
use crate::{Identity, NodeConfig, NodeError, StartCheck, bounds, evidence};

/// One replica with everything around it. Dropping it stops it without waiting; [`shutdown`](Self::shutdown) waits.
pub struct Node {
    shared: StopOnDrop,
    inside: Box<dyn Inside>,
    peers: Arc<Peers>,
    clients: ClientListener,
    stations: Vec<JoinHandle<()>>,
    verifiers: Vec<JoinHandle<()>>,
    tasks: JoinSet<()>,
}

/// Tells every station to end when the node is dropped.
struct StopOnDrop(Shared);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// What can be asked of a node whatever it is made of.
trait Inside: Send + Sync {
    fn status(&self) -> NodeStatus;
    fn evidence(&self) -> Result<Vec<Evidence>, StoreError>;
}

struct Parts<M, S> {
    report: Arc<Report<M, S>>,
    store: S,
}

impl<M: StateMachine + Sync, S: Store> Inside for Parts<M, S> {
    fn status(&self) -> NodeStatus {
        self.report.status()
    }

    fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        evidence::read(&self.store)
    }
}

impl Node {
    /// Starts the node that a configuration describes, in the data directory that [`init`](crate::init) made. Needs a tokio runtime,
    /// and blocks the calling thread while it reads what is durable: a fraction of a second for a short journal.
    ///
    /// # Errors
    /// [`NodeError`]: nothing was sent, and nothing was changed but what a crash had left unfinished.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        Self::start_with(config, None).await
    }

    /// Starts a node in whose place somebody else speaks and hears: an adversary of the test harness.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_behind(config: NodeConfig, seam: Arc<dyn Seam>) -> Result<Self, NodeError> {
        Self::start_with(config, Some(seam)).await
    }

    async fn start_with(config: NodeConfig, seam: Option<Arc<dyn Seam>>) -> Result<Self, NodeError> {
        let clock = Clock::start();
        let identity = Identity::load(&config)?;
        let (recovered, store) = recovery::recover(&config, &identity, &clock)?;
        Self::run_on(&config, identity, recovered, store, Shared::new(clock, seam)).await
    }

    /// Starts a node on any state machine and store; the data directory is not touched, and of the configuration the paths are not
    /// read. The store has the tables of [`tables`](crate::tables), and `Execution::init` was called on it once;
    /// the mark was set to [`Mark::ORIGIN`](tetrarch_storage::Mark::ORIGIN) then.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_on<M, S>(
        config: &NodeConfig,
        identity: Identity,
        machine: M,
        store: S,
        mark: Box<dyn HighWaterMark>,
    ) -> Result<Self, NodeError>
    where
        M: StateMachine + Sync + 'static,
        S: Store + Clone + 'static,
    {
        let clock = Clock::start();
        let durable = Durable { store: store.clone(), mark, lost: false, findings: Findings::default() };
        let recovered = Recovered::open(config, &identity, machine, durable, &clock)?;
        Self::run_on(config, identity, recovered, store, Shared::new(clock, None)).await
    }

    async fn run_on<M, S>(
        config: &NodeConfig,
        identity: Identity,
        recovered: Recovered<M, S>,
        store: S,
        shared: Shared,
    ) -> Result<Self, NodeError>
    where
        M: StateMachine + Sync + 'static,
        S: Store + Clone + 'static,
    {
        let doors = Doors::open(config, &identity).await?;
        announce(&identity, &doors);
        let started = assembly::start(config, identity, recovered, doors, &shared).inspect_err(|_| shared.stop())?;
        let Running { peers, clients, report, stations, verifiers, tasks } = started;
        let inside = Box::new(Parts { report, store });
        Ok(Self { shared: StopOnDrop(shared), inside, peers, clients, stations, verifiers, tasks })
    }

    /// How the node is. Reads the store: quick, but not for a place that must never wait.
    pub fn status(&self) -> NodeStatus {
        self.inside.status()
    }

    /// What was counted since the start, by name.
    pub fn counters(&self) -> BTreeMap<&'static str, u64> {
        self.shared.0.counts.snapshot()
    }

    /// The proofs of equivocation on record.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        self.inside.evidence()
    }

    /// By replica id, whether the connection on which this node sends is up.
    pub fn connected(&self) -> Vec<bool> {
        self.peers.connected()
    }

    /// Where it listens for the other replicas.
    pub fn peer_address(&self) -> SocketAddr {
        self.peers.local_address()
    }

    /// Where it listens for clients.
    pub fn client_address(&self) -> SocketAddr {
        self.clients.local_address()
    }

    /// Waits until the node has stopped because of damage that a new start repairs. [`run`] makes that start.
    pub async fn damaged(&self) {
        self.shared.0.health.damaged().await;
    }

    /// Takes no more requests, lets the driver finish its turn and the executor its queue, says goodbye and closes the store. When
    /// it returns, data directory and ports can be used again. A node can as well be killed at any moment: this is only kinder to
    /// clients.
    pub async fn shutdown(self) {
        let Self { shared, inside, peers, clients, stations, verifiers, mut tasks } = self;
        let addresses = [peers.local_address(), clients.local_address()];
        clients.close().await;
        tasks.shutdown().await;
        shared.0.stop();
        join(stations).await;
        peers.close().await;
        join(verifiers).await;
        let _answered = timeout(bounds::SHUTDOWN_PATIENCE, shared.0.answered()).await;
        drop((inside, peers, clients));
        let _released = timeout(bounds::SHUTDOWN_PATIENCE, released(addresses)).await;
        tracing::info!("the node has shut down");
    }
}

/// Runs a node until `shutdown` is ready, and shuts it down. A node that stops because bytes on its disk are damaged starts anew, which
/// repairs them; a few times, not for ever.
///
/// # Errors
/// As for [`Node::start`].
pub async fn run(config: NodeConfig, shutdown: impl Future<Output = ()>) -> Result<(), NodeError> {
    keep(config, None, shutdown).await
}

/// Runs a node as [`run`] does, with somebody else speaking and hearing in its place: an adversary of the test harness.
///
/// # Errors
/// As for [`Node::start`].
pub async fn run_behind(
    config: NodeConfig,
    seam: Arc<dyn Seam>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), NodeError> {
    keep(config, Some(seam), shutdown).await
}

async fn keep(
    mut config: NodeConfig,
    seam: Option<Arc<dyn Seam>>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), NodeError> {
    tokio::pin!(shutdown);
    let mut repairs = 0;
    loop {
        let node = Node::start_with(config.clone(), seam.clone()).await?;
        let is_damaged = tokio::select! {
            () = &mut shutdown => false,
            () = node.damaged(), if repairs < bounds::REPAIRS => true,
        };
        node.shutdown().await;
        if !is_damaged {
            return Ok(());
        }
        repairs += 1;
        // Only a start that reads everything finds what is damaged.
        config.recovery = StartCheck::Cold;
    }
}

fn announce(identity: &Identity, doors: &Doors) {
    let membership = identity.membership();
    let (size, faults) = (membership.size(), membership.faults());
    tracing::info!(
        replica = %identity.id(), size, faults, chain = %membership.scope().genesis,
        peers = %doors.peers.local_address(), clients = %doors.clients.local_address(), "the node starts"
    );
    if faults == 0 {
        tracing::warn!("a chain of one replica is for development: it tolerates no fault at all");
    }
}

/// Waits until the ports are free: QUIC gives its sockets back a moment after the last handle is gone, and does not say when.
async fn released(addresses: [SocketAddr; 2]) {
    for address in addresses {
        while UdpSocket::bind(address).is_err() {
            sleep(bounds::RELEASE_POLL).await;
        }
    }
}

/// Waits for threads, but not for ever.
async fn join(threads: Vec<JoinHandle<()>>) {
    // A thread that panicked has said so and halted the node; there is nothing more to learn from it.
    let joined = spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join())));
    if timeout(bounds::SHUTDOWN_PATIENCE, joined).await.is_err() {
        tracing::warn!("a part of the node did not end in time; the process can be killed without harm");
    }
}
