//! What clients and replicas say to each other. Requests are answered on the same connection, matched by a number the client chose.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, PublicKey};

use crate::{ReplicaId, Reply, SeqNum, Timestamp, TransactionId, TransferProgress, View};

/// A client's request to one replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Order and execute this; answered when it is executed, from the reply cache if it already was.
    Submit(crate::Transaction),
    /// Answer from this replica's state, now.
    Query(Query),
}

/// A question that changes nothing and is answered by the replica alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// A read that the state machine understands.
    Read(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The highest nonce executed for a sender.
    Nonce(PublicKey),
    /// What came of a transaction, if the reply cache still has it.
    Reply(TransactionId),
    /// The whole transaction, if the replica still has it: a receipt names what was asked.
    Transaction(TransactionId),
    /// How the replica is.
    Status,
    /// A row of the state at the latest stable checkpoint that the replica has, with a proof.
    Prove {
        /// The row's table.
        table: String,
        /// Its key.
        #[serde(with = "serde_bytes")]
        key: Vec<u8>,
    },
    /// A read that waits until the replica has executed something behind a batch, and is answered all the same after ten seconds: a
    /// client follows the state by asking again behind the batch that the last answer names.
    ReadAfter {
        /// The batch.
        executed: SeqNum,
        /// A read that the state machine understands.
        #[serde(with = "serde_bytes")]
        question: Vec<u8>,
    },
    /// A read of what the replica has executed, also where it told clients of more (rule X-4 of `specs/protocol.md`): at once, and possibly of
    /// an earlier state than somebody knows of.
    ReadStale(#[serde(with = "serde_bytes")] Vec<u8>),
}

impl Query {
    /// The bytes of what is asked for, of which a replica takes [`MAX_QUESTION_BYTES`](crate::limits::MAX_QUESTION_BYTES) at most.
    pub const fn question_bytes(&self) -> usize {
        match self {
            Self::Read(question) | Self::ReadStale(question) | Self::ReadAfter { question, .. } => question.len(),
            Self::Prove { table, key } => table.len() + key.len(),
            Self::Nonce(_) | Self::Reply(_) | Self::Transaction(_) | Self::Status => 0,
        }
    }
}

/// A replica's answer to one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To a submitted transaction, or to [`Query::Reply`].
    Reply(Reply),
    /// To [`Query::Read`], [`Query::ReadAfter`] and [`Query::ReadStale`].
    Answer(Answer),
    /// To [`Query::Nonce`].
    Nonce(Option<u64>),
    /// To [`Query::Transaction`].
    Transaction(crate::Transaction),
    /// To [`Query::Status`].
    Status(NodeStatus),
    /// The request is not served.
    Refused(Refusal),
    /// To [`Query::Prove`].
    Proof(Box<crate::StateProof>),
}

/// The answer to a read: comparable between replicas byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The last batch executed when it was read.
    pub executed: SeqNum,
    /// The state machine's answer. Honest replicas give the same bytes at the same `executed`, and may at others.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// Why a request is not served. One replica's word only: a client believes it when f + 1 say the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Pools or queues are full.
    #[error("the replica has no room for more transactions now; wait and send it again")]
    Busy,
    /// Signature or key not acceptable.
    #[error("the transaction's signature is not valid for its sender's key")]
    BadSignature,
    /// A weak key.
    #[error("the sender's public key is weak and not accepted")]
    WeakKey,
    /// Made for another chain.
    #[error("the transaction is for chain {theirs}, this is chain {ours}; use the genesis file of this chain")]
    WrongChain {
        /// The chain it names.
        theirs: Digest,
        /// The replica's.
        ours: Digest,
    },
    /// Command, question or answer too large.
    #[error("too large: {actual} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Its bytes.
        actual: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// The nonce is spent, and not by this transaction: it did not execute and never will. Signing the command again is safe.
    #[error("nonce {nonce} is already used by this sender; sign the command again with a higher one")]
    NonceSpent {
        /// The nonce.
        nonce: u64,
    },
    /// Another transaction with this nonce waits to be ordered. Which of the two executes is not decided: keep asking.
    #[error("another transaction with nonce {nonce} of this sender waits; send it again to learn which one executes")]
    NonceContested {
        /// The nonce.
        nonce: u64,
    },
    /// The nonce is spent, so long ago that the replica no longer knows by which transaction.
    #[error(
        "nonce {nonce} of this sender lies so far back that replies to it are gone; the transaction may have executed or not: \
         look at its effects before you sign the command again"
    )]
    NonceForgotten {
        /// The nonce.
        nonce: u64,
    },
    /// Past its end of validity.
    #[error("the transaction is no longer valid; look whether it executed in time before you sign the command again")]
    Expired,
    /// End of validity too far ahead.
    #[error("the transaction is valid for longer than an hour; sign the command again with an earlier end")]
    ValidTooLong,
    /// [`Query::Reply`] or [`Query::Transaction`] for one that the replica does not have.
    #[error("the replica does not know this transaction, or keeps it no longer")]
    Unknown,
    /// The replica does not serve now: recovering, or stopped by an error of its disk.
    #[error("the replica does not serve: {0}")]
    NotServing(String),
    /// Not a request of this protocol, or a command the state machine cannot read.
    #[error("the request is malformed: {0}")]
    Malformed(String),
    /// [`Query::Prove`] before the chain's first stable checkpoint.
    #[error("no checkpoint is stable yet: the first one comes with batch {first}; write more, or ask later")]
    NoCheckpoint {
        /// K.
        first: SeqNum,
    },
}

/// What a replica is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeMode {
    /// In a view and voting.
    Normal,
    /// Waiting for a NEW-VIEW.
    ChangingView,
    /// Behind the others and fetching.
    Recovering,
    /// In step with the others, but not voting: it lost records of its own votes, and waits until nothing that it may have voted
    /// for can still be decided (rule A-3).
    Silent {
        /// The stable checkpoint from which on it votes; none while the others have not told enough.
        until: Option<SeqNum>,
    },
    /// Not voting, for the reason given.
    Halted(String),
}

/// How a replica is, in its own unverified words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Who says it.
    pub replica: ReplicaId,
    /// The chain.
    pub chain: Digest,
    /// What it is doing.
    pub mode: NodeMode,
    /// Its view, or the one it moves to.
    pub view: View,
    /// That view's primary.
    pub primary: ReplicaId,
    /// The last batch executed.
    pub executed: SeqNum,
    /// The stable checkpoint.
    pub stable_checkpoint: SeqNum,
    /// The state root at its own last checkpoint.
    pub state_root: Digest,
    /// The store's revision.
    pub revision: u64,
    /// Bytes of its database, which has the state, the ledger and the journal: of the files that hold them as they are now, compressed, and
    /// of what waits in memory to be written to such a file. Without the files that only snapshots of earlier checkpoints still need, and
    /// without the database's own log. Replicas with the same state differ in it. 0 if the database cannot tell.
    pub stored_bytes: u64,
    /// Agreed time.
    pub agreed_time: Timestamp,
    /// Transactions waiting.
    pub pending: u64,
    /// Evidence of equivocation on record.
    pub evidence: u64,
    /// Microseconds since the process started.
    pub uptime_micros: u64,
    /// The state transfer under way.
    pub transfer: Option<TransferProgress>,
    /// How the replica came back when its process started.
    pub recovery: Recovery,
}

/// How a replica came back, and how long it took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// What it found and did, a sentence each.
    pub findings: Vec<String>,
    /// From the start of the process until it had read everything on its own disk.
    pub disk_micros: u64,
    /// From then until it was level with the others; none while it is not.
    pub level_micros: Option<u64>,
    /// Rows that came by state transfer since the start.
    pub rows_fetched: u64,
}
