//! An ordered list of transactions: what one sequence number decides.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, Domain};

use crate::{CommitCertificate, SeqNum, Timestamp, Transaction, TransactionId, encode};

/// A batch names its transactions by id; the bodies travel once, from the clients (rule N-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The primary's stamp. Execution takes the larger of it and the agreed time so far (rule T-2).
    pub timestamp: Timestamp,
    /// The transactions, in order, each once.
    pub transactions: Vec<TransactionId>,
}

impl Batch {
    /// The gap filler of a new view: nothing to execute, and a stamp that moves nothing.
    pub const fn noop() -> Self {
        Self { timestamp: Timestamp::ZERO, transactions: Vec::new() }
    }

    /// Whether it is the gap filler. Another batch without transactions is there for its stamp (rule T-3).
    pub fn is_noop(&self) -> bool {
        *self == Self::noop()
    }

    /// What the three phases agree on.
    pub fn digest(&self) -> Digest {
        Digest::of(Domain::Batch, &[&encode(self)])
    }
}

/// A batch that is decided, with its bodies and the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedBatch {
    /// Its place in the order.
    pub seq: SeqNum,
    /// The batch.
    pub batch: Batch,
    /// The bodies, in the batch's order.
    pub transactions: Vec<Transaction>,
    /// q matching COMMITs.
    pub certificate: CommitCertificate,
}

impl CommittedBatch {
    /// What it counts for against limits in bytes.
    pub fn cost(&self) -> usize {
        self.transactions.iter().map(Transaction::cost).sum()
    }
}
