//! A local cluster that misbehaves on demand, and keeps count of what it is asked.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tetrarch_kv::store::LeaseList;
use tetrarch_kv::{Command, CommandResult, KvError, KvQuery, QueryAnswer, QueryResult};
use tetrarch_kv_client::{Backend, BackendError, ClusterStatus, Freshness, Standing, Told};
use tetrarch_types::{Membership, ReplicaId, SeqNum, Timestamp};
use tokio::sync::Semaphore;

use super::local::Local;

/// Shared with the gateway; the test turns the switches.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) local: Arc<Local>,
    /// Commands pass while there are permits; each takes one.
    pub(crate) passes: Arc<Semaphore>,
    /// Commands that were asked for, and requests in them.
    pub(crate) commands: Arc<AtomicUsize>,
    pub(crate) requests: Arc<AtomicUsize>,
    /// Whether queries find replicas that disagree.
    pub(crate) disagree: Arc<AtomicBool>,
    /// Queries that were asked.
    pub(crate) queries: Arc<AtomicUsize>,
    /// Queries to which one replica's answer would do.
    pub(crate) serializable: Arc<AtomicUsize>,
    /// Whether leases are told to be gone, though keys hang on them.
    pub(crate) gone: Arc<AtomicBool>,
    /// Whether what was before the latest revision is told to be compacted.
    pub(crate) compacted: Arc<AtomicBool>,
    /// Whether no view begins.
    pub(crate) stuck: Arc<AtomicBool>,
    /// Whether nothing is answered.
    pub(crate) down: Arc<AtomicBool>,
    /// For how many seconds there has been no leader.
    pub(crate) leaderless: Arc<AtomicU64>,
    /// What queries come to instead of an answer.
    pub(crate) trouble: Arc<Mutex<Option<BackendError>>>,
}

impl Scripted {
    pub(crate) fn new(passes: usize) -> Self {
        Self {
            local: Arc::new(Local::new()),
            passes: Arc::new(Semaphore::new(passes)),
            commands: Arc::default(),
            requests: Arc::default(),
            disagree: Arc::default(),
            queries: Arc::default(),
            gone: Arc::default(),
            compacted: Arc::default(),
            serializable: Arc::default(),
            stuck: Arc::default(),
            down: Arc::default(),
            leaderless: Arc::default(),
            trouble: Arc::default(),
        }
    }

    fn up(&self) -> Result<(), BackendError> {
        let down = self.down.load(Ordering::SeqCst);
        if down { Err(BackendError::Unavailable("it is down".to_owned())) } else { Ok(()) }
    }
}

impl Backend for Scripted {
    async fn order(&self, command: &Command) -> Result<CommandResult, BackendError> {
        self.commands.fetch_add(1, Ordering::SeqCst);
        self.requests.fetch_add(command.requests.len(), Ordering::SeqCst);
        self.up()?;
        self.passes.acquire().await.unwrap().forget();
        self.local.order(command).await
    }

    async fn query(&self, query: &KvQuery, freshness: Freshness) -> Result<QueryResult, BackendError> {
        self.up()?;
        if let Some(trouble) = self.trouble.lock().unwrap().clone() {
            return Err(trouble);
        }
        self.queries.fetch_add(1, Ordering::SeqCst);
        self.serializable.fetch_add(usize::from(freshness == Freshness::Serializable), Ordering::SeqCst);
        if self.disagree.load(Ordering::SeqCst) {
            return Err(BackendError::Disagree);
        }
        let mut result = self.local.query(query, freshness).await?;
        let answer = match query {
            KvQuery::Lease { .. } if self.gone.load(Ordering::SeqCst) => Ok(QueryAnswer::Lease(None)),
            KvQuery::Leases { .. } if self.gone.load(Ordering::SeqCst) => {
                Ok(QueryAnswer::Leases(LeaseList { leases: Vec::new(), more: false }))
            }
            KvQuery::Range(range) | KvQuery::Page(range)
                if range.revision != 0 && self.compacted.load(Ordering::SeqCst) =>
            {
                Err(KvError::Compacted)
            }
            _ => result.answer,
        };
        result.answer = answer;
        Ok(result)
    }

    async fn tell(&self, replica: ReplicaId, query: &KvQuery, behind: Option<SeqNum>) -> Result<Told, BackendError> {
        self.up()?;
        self.local.tell(replica, query, behind).await
    }

    fn membership(&self) -> Membership {
        self.local.membership()
    }

    async fn status(&self) -> Result<ClusterStatus, BackendError> {
        self.up()?;
        let has_begun = !self.stuck.load(Ordering::SeqCst);
        Ok(ClusterStatus { has_begun, ..self.local.status().await? })
    }

    fn standing(&self) -> Standing {
        self.local.standing()
    }

    fn leader_seen(&self) -> Duration {
        Duration::from_secs(self.leaderless.load(Ordering::SeqCst))
    }

    fn now(&self) -> Timestamp {
        self.local.now()
    }
}
