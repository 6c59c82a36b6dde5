//! A cluster, as whoever signs sees it.

use std::future::Future;
use std::time::Duration;

use tetrarch_kv::{Command, CommandResult, KvQuery, QueryResult};
use tetrarch_types::{Membership, ReplicaId, SeqNum, Timestamp};

/// A cluster, as whoever signs sees it.
///
/// Every answer must be one that the cluster vouches for: it is believed. The exception is [`tell`](Self::tell), which is one replica's word. Calls
/// may come concurrently. A future that takes too long is dropped; what it was to order may then still be executed.
pub trait Backend: Send + Sync + 'static {
    /// Has a command executed in the one order, and waits for its result.
    fn order(&self, command: &Command) -> impl Future<Output = Result<CommandResult, BackendError>> + Send;

    /// Asks for what can be answered without an order.
    fn query(
        &self,
        query: &KvQuery,
        freshness: Freshness,
    ) -> impl Future<Output = Result<QueryResult, BackendError>> + Send;

    /// Asks one replica alone, which may lie. With a batch named, it answers once it has executed something behind that, or after ten
    /// seconds.
    fn tell(
        &self,
        replica: ReplicaId,
        query: &KvQuery,
        behind: Option<SeqNum>,
    ) -> impl Future<Output = Result<Told, BackendError>> + Send;

    /// The replicas, and how many of them it takes.
    fn membership(&self) -> Membership;

    /// Asks how the cluster is.
    fn status(&self) -> impl Future<Output = Result<ClusterStatus, BackendError>> + Send;

    /// What is known without asking anybody.
    fn standing(&self) -> Standing;

    /// How long ago a quorum was last seen whose view has begun, or that had executed an order, without asking anybody. Close to nothing, as long as the
    /// cluster can order.
    fn leader_seen(&self) -> Duration;

    /// Agreed time, as well as can be known here: a lease's remaining time is told by it, and nothing else depends on it.
    fn now(&self) -> Timestamp;
}

/// What one replica says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The last batch that it says it had executed.
    pub executed: SeqNum,
    /// Its answer.
    pub result: QueryResult,
}

/// How much of what has happened an answer must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// All that was answered to anyone before the question.
    Linearizable,
    /// What some honest replica had executed by then.
    Serializable,
}

/// What the header of each response says beside the revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The cluster: not 0.
    pub cluster_id: u64,
    /// The primary of the view: not 0. A gateway speaks for the whole cluster, so it is what answers, and what leads.
    pub member_id: u64,
    /// The view: what etcd calls the term.
    pub view: u64,
}

/// How the cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// Its primary and view.
    pub standing: Standing,
    /// Whether that view has begun: while it has not, its primary does not lead yet.
    pub has_begun: bool,
    /// The primary of the next view: who leads when this one gives way.
    pub next_primary: u64,
    /// The store's revision.
    pub revision: u64,
    /// The last batch that was executed.
    pub executed: u64,
    /// Bytes of a replica's database: the highest that f + 1 replicas claim, so that an honest one has so many
    /// ([`NodeStatus::stored_bytes`](tetrarch_types::NodeStatus::stored_bytes) says of what). 0 if it is not known.
    pub stored_bytes: u64,
    /// The replicas, by id.
    pub replicas: Vec<Replica>,
    /// What is wrong, one sentence each; nothing, if all is well.
    pub troubles: Vec<String>,
}

/// A replica, as etcd tells of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Not 0.
    pub id: u64,
    /// For people.
    pub name: String,
    /// Where others reach it, as a URL.
    pub url: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// Not enough replicas answer. What was to be ordered may still be executed.
    #[error("the cluster does not answer: {0}")]
    Unavailable(String),
    /// The cluster will not have it, however often it is asked. It had no effect.
    #[error("the cluster refuses it: {0}")]
    Refused(String),
    /// Nothing came in time. What was to be ordered may still be executed.
    #[error("no answer in time")]
    TimedOut,
    /// Too much is asked at once. It had no effect.
    #[error("too much is asked of the cluster at once")]
    Busy,
    /// Replicas answer a query differently for long: ordering it helps.
    #[error("replicas do not agree on an answer")]
    Disagree,
    /// What came back cannot be read.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}
