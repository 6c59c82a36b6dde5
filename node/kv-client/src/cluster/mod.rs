//! A cluster behind a [`Client`].
//!
//! ```text
//!   order    the transaction, and what its outcome means
//!   read     rounds of questions, until enough replicas say the same
//!   ballot   what one round's answers amount to (pure)
//!   survey   one question to every replica
//!   status   how the cluster is, as far as f + 1 replicas vouch for it
//!   clock    agreed time between two words of it (pure)
//! ```

mod ballot;
mod clock;
mod order;
mod read;
mod status;
mod survey;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tetrarch_client::{Client, wall_clock};
use tetrarch_kv::{Command, CommandResult, KvQuery, QueryResult};
use tetrarch_types::{Genesis, Membership, ReplicaId, SeqNum, Timestamp, View};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::clock::Clock;
use crate::{Backend, BackendError, ClusterStatus, Freshness, Replica, Standing, Told};

/// How often the replicas are asked how they are, so that the view and agreed time are known without asking.
const LOOK: Duration = Duration::from_secs(1);

/// A cluster, over connections to all of its replicas. No replica is believed alone, but by [`tell`](Backend::tell), which says so.
#[derive(Debug)]
pub struct ClusterBackend {
    shared: Arc<Shared>,
    looking: JoinHandle<()>,
}

/// What the calls and the task in the background share.
struct Shared {
    client: Client,
    /// The replicas, as etcd tells of members.
    replicas: Vec<Replica>,
    patience: Duration,
    view: AtomicU64,
    /// When a quorum answered last whose view has begun.
    led: Mutex<Instant>,
    clock: Mutex<Clock>,
}

impl ClusterBackend {
    /// A cluster for whoever owns the client's key. From here on, the replicas are asked every second how they are, until this is dropped. Queries
    /// may take as long as `patience`; what is ordered, as long as the client has it.
    ///
    /// Must be called inside a tokio runtime.
    pub fn new(client: Client, genesis: &Genesis, patience: Duration) -> Self {
        let shared = Arc::new(Shared {
            replicas: status::members(genesis),
            client,
            patience,
            view: AtomicU64::new(0),
            led: Mutex::new(Instant::now()),
            clock: Mutex::new(Clock::default()),
        });
        let looking = tokio::spawn(look_now_and_then(shared.clone()));
        Self { shared, looking }
    }

    /// Takes leave of the replicas.
    pub async fn close(&self) {
        self.looking.abort();
        self.shared.client.close().await;
    }
}

impl Drop for ClusterBackend {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

impl Shared {
    fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    fn membership(&self) -> &Membership {
        self.client.membership()
    }

    /// A word of f + 1 replicas. Views only go up.
    fn note(&self, view: View, agreed: Timestamp) {
        self.view.fetch_max(view.get(), Ordering::Relaxed);
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).hear(agreed, wall_clock());
    }

    /// A quorum answers whose view has begun, or has executed something.
    fn note_leader(&self) {
        *self.led.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn standing(&self) -> Standing {
        let view = self.view.load(Ordering::Relaxed);
        let member_id = self.primary(View::new(view));
        Standing { cluster_id: status::short(self.client.chain().as_bytes()), member_id, view }
    }

    /// The primary of a view, as etcd tells of members.
    fn primary(&self, view: View) -> u64 {
        let primary = self.membership().primary(view);
        self.replicas.get(primary.index()).map_or(1, |replica| replica.id)
    }
}

async fn look_now_and_then(shared: Arc<Shared>) {
    loop {
        if let Err(error) = status::look(&shared).await {
            tracing::debug!(%error, "the cluster does not say how it is");
        }
        tokio::time::sleep(LOOK).await;
    }
}

impl Backend for ClusterBackend {
    async fn order(&self, command: &Command) -> Result<CommandResult, BackendError> {
        let result = order::order(&self.shared.client, command).await?;
        self.shared.note_leader();
        Ok(result)
    }

    /// A linearizable answer is that of q replicas, a serializable one that of f + 1, so that one of them is honest.
    async fn query(&self, query: &KvQuery, freshness: Freshness) -> Result<QueryResult, BackendError> {
        read::query(&self.shared, query, freshness).await
    }

    async fn tell(&self, replica: ReplicaId, query: &KvQuery, behind: Option<SeqNum>) -> Result<Told, BackendError> {
        read::tell(&self.shared, replica, query, behind).await
    }

    fn membership(&self) -> Membership {
        self.shared.membership().clone()
    }

    async fn status(&self) -> Result<ClusterStatus, BackendError> {
        status::look(&self.shared).await
    }

    fn standing(&self) -> Standing {
        self.shared.standing()
    }

    fn leader_seen(&self) -> Duration {
        self.shared.led.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.lock().unwrap_or_else(PoisonError::into_inner).now(wall_clock())
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("chain", &self.client.chain()).finish_non_exhaustive()
    }
}
