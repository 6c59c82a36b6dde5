//! Every bound on what a peer or a client may send, in one place. All of them are part of the protocol: replicas must agree on
//! what is too large, or a batch acceptable to one would be refused by another.

use std::time::Duration;

/// A transaction's command, in bytes: etcd's 1.5 MiB request limit and room for its envelope.
pub const MAX_COMMAND_BYTES: usize = 1_600 * 1024;

/// What a transaction adds to its command, in bytes, at most.
pub const TRANSACTION_OVERHEAD_BYTES: usize = 256;

/// Transactions in one batch.
pub const MAX_BATCH_TRANSACTIONS: usize = 1_024;

/// The bodies of one batch together, in bytes. At least one maximal transaction fits.
pub const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A message on the votes' lane, in bytes: everything but the bulk kinds is far smaller.
pub const MAX_VOTE_BYTES: usize = 1024;

/// A message on the bulk lane, in bytes: a NEW-VIEW of a large membership, or a supply of committed batches.
pub const MAX_BULK_BYTES: usize = 16 * 1024 * 1024;

/// A client's request or a replica's response, in bytes.
pub const MAX_CLIENT_FRAME_BYTES: usize = 2 * 1024 * 1024;

/// What a client asks a replica for, in bytes: a read's question, or the table and key of a row. Replicas let thousands of questions wait.
pub const MAX_QUESTION_BYTES: usize = 16 * 1024;

/// The bodies in one supply, in bytes. One maximal batch always fits.
pub const MAX_SUPPLY_BYTES: usize = 8 * 1024 * 1024;

/// Committed batches in one supply.
pub const MAX_SUPPLY_BATCHES: usize = 64;

/// Places of the state tree in one fetch.
pub const MAX_STATE_PARTS: usize = 64;

/// The rows and pages in one supply of state, in bytes. One row of any size always fits.
pub const MAX_STATE_BYTES: usize = 1024 * 1024;

/// Replies that the replicated reply cache holds at most; the oldest batches' make room (rule R-4).
pub const MAX_CACHED_REPLIES: u64 = 32_768;

/// The bytes of the replies in the cache at most; those of the latest batch always fit.
pub const MAX_CACHED_REPLY_BYTES: u64 = 64 * 1024 * 1024;

/// Transaction ids in one fetch.
pub const MAX_FETCH_TRANSACTIONS: usize = MAX_BATCH_TRANSACTIONS;

/// Replicas in a membership.
pub const MAX_REPLICAS: usize = 100;

/// Sequence numbers in flight above a stable checkpoint, whatever genesis asks for.
pub const MAX_WINDOW: u64 = 4_096;

/// How far ahead of agreed time a transaction may name its end of validity. A sender's nonce window is kept at least this long
/// after its last use, so nothing still valid can find its window gone.
pub const MAX_VALIDITY: Duration = Duration::from_secs(3_600);

/// Out-of-order nonces remembered for a sender.
pub const NONCE_WINDOW: u64 = 4_096;

/// A result's bytes: what a reply can carry beside its proof.
pub const MAX_RESULT_BYTES: usize = MAX_COMMAND_BYTES;

/// An upper bound on a NEW-VIEW's bytes: q VIEW-CHANGEs, each with a full window of prepared certificates of q − 1 votes. Genesis
/// refuses a membership and window with which it could outgrow [`MAX_BULK_BYTES`]: such a view could never start.
pub const fn largest_new_view(quorum: u64, window: u64) -> u64 {
    // A varint has at most 10 bytes; a vote is a signer and a signature, an assignment two numbers and a digest.
    const VOTE: u64 = 3 + 64;
    const ASSIGNMENT: u64 = 10 + 10 + 32;
    let certificate = ASSIGNMENT + 64 + 10 + VOTE * quorum;
    let view_change = certificate * window + VOTE * quorum + ASSIGNMENT + VOTE + 30;
    view_change * quorum + (ASSIGNMENT + VOTE) * window + VOTE + 30
}
