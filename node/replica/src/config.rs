//! What a replica is told once.

use std::sync::Arc;
use std::time::Duration;

use tetrarch_types::{Membership, ReplicaId, limits};

/// One replica's identity and settings. Settings are its own; what all must share is in the membership's parameters.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which member it is.
    pub id: ReplicaId,
    /// A number drawn for this start of the process, different from those of all earlier starts: answers to an earlier start's
    /// question do not count (rule A-1).
    pub start: u64,
    /// The members.
    pub membership: Arc<Membership>,
    /// How long a view may go without progress while requests wait, before the first doubling.
    pub base_timeout: Duration,
    /// The most that doubling makes of it.
    pub max_timeout: Duration,
    /// How often what may have been lost is said again while something is outstanding.
    pub retransmit_interval: Duration,
    /// How often an idle replica says where it stands.
    pub heartbeat_interval: Duration,
    /// How far a batch's stamp may lie from a backup's own clock.
    pub clock_bound: Duration,
    /// The primary's proposals that are not yet executed, at most: beyond it, transactions gather in the pool and batches grow.
    pub pipeline: u64,
    /// How long a primary gathers transactions before one more small batch joins those that are not yet executed, and, at most, for clients that were
    /// just answered. Zero: not at all.
    pub batch_spacing: Duration,
    /// Transactions a batch holds at most; never above the protocol's limit.
    pub batch_transactions: usize,
    /// Bytes of a batch's transactions beyond which it takes no more; never above the protocol's limit. Large enough for agreement to cost little beside
    /// them, and small enough for their execution to keep nobody waiting for long.
    pub batch_bytes: usize,
    /// Waiting transactions.
    pub pool: PoolLimits,
}

/// Bounds of the pool of waiting transactions (rule B-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Transactions in total.
    pub transactions: usize,
    /// Their bytes in total.
    pub bytes: usize,
    /// Transactions of one sender.
    pub per_sender: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { transactions: 32_768, bytes: 128 * 1024 * 1024, per_sender: 4_096 }
    }
}

impl Config {
    /// The settings for a local or well-connected network.
    pub fn new(id: ReplicaId, membership: Arc<Membership>) -> Self {
        Self {
            id,
            start: 0,
            membership,
            base_timeout: Duration::from_millis(1_000),
            max_timeout: Duration::from_secs(30),
            retransmit_interval: Duration::from_millis(200),
            heartbeat_interval: Duration::from_secs(1),
            clock_bound: Duration::from_secs(10),
            pipeline: 8,
            batch_spacing: Duration::from_millis(10),
            batch_transactions: limits::MAX_BATCH_TRANSACTIONS,
            batch_bytes: 1024 * 1024,
            pool: PoolLimits::default(),
        }
    }

    /// Transactions that a batch made here holds at most.
    pub(crate) fn most_transactions(&self) -> usize {
        self.batch_transactions.min(limits::MAX_BATCH_TRANSACTIONS)
    }

    /// Bytes of transactions that a batch made here holds at most, unless it is one alone.
    pub(crate) fn most_bytes(&self) -> usize {
        self.batch_bytes.min(limits::MAX_BATCH_BYTES)
    }

    /// How long this replica rests before the same peer can have something repeated, or make it say something at once (rule L-6). An honest
    /// peer that waits says so four times more rarely.
    pub(crate) fn rest(&self) -> Duration {
        self.retransmit_interval / 4
    }
}
