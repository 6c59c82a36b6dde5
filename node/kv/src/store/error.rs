//! Why the store refuses something. Where etcd has a sentence for it, it is etcd's, without the `etcdserver: ` in front.

use serde::{Deserialize, Serialize};
use tetrarch_types::Timestamp;

use super::bounds;

/// Why a command or one of its requests was refused. Part of results, so the same on every replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum KvError {
    /// The bytes are no command.
    #[error("the request is malformed")]
    Malformed,
    /// A command of too many bytes.
    #[error("request is too large")]
    RequestTooLarge,
    /// A command of too many requests.
    #[error("too many requests in one command: it may have {}", bounds::MAX_REQUESTS)]
    TooManyRequests,
    /// An empty key.
    #[error("key is not provided")]
    KeyNotProvided,
    /// A key of too many bytes.
    #[error("key is too long: it may have {} bytes", bounds::MAX_KEY_BYTES)]
    KeyTooLong,
    /// A value of too many bytes.
    #[error("value is too large: it may have {} bytes", bounds::MAX_VALUE_BYTES)]
    ValueTooLarge,
    /// A put that keeps the value or the lease of a key that is not there.
    #[error("key not found")]
    KeyNotFound,
    /// A put that keeps the value and brings one.
    #[error("value is provided")]
    ValueProvided,
    /// A put that keeps the lease and brings one.
    #[error("lease is provided")]
    LeaseProvided,
    /// Two operations of a transaction that may run together put one key, or one puts and one deletes it.
    #[error("duplicate key given in txn request")]
    DuplicateKey,
    /// A transaction of too many operations.
    #[error("too many operations in txn request")]
    TooManyOperations,
    /// The revision is no longer kept.
    #[error("mvcc: required revision has been compacted")]
    Compacted,
    /// The revision is yet to come.
    #[error("mvcc: required revision is a future revision")]
    FutureRevision,
    /// There is no such lease.
    #[error("requested lease not found")]
    LeaseNotFound,
    /// There is such a lease already.
    #[error("lease already exists")]
    LeaseExists,
    /// A lease of too long a time to live.
    #[error("too large lease TTL")]
    LeaseTtlTooLarge,
    /// As much hangs on the lease as can end with it.
    #[error(
        "too much hangs on the lease: it may have {} keys, and they and their values {} bytes; grant another one",
        bounds::MAX_REVISION_KEYS,
        bounds::MAX_LEASE_BYTES
    )]
    LeaseFull,
    /// The request would read or change more than one may, or more than its share of a command of many requests.
    #[error(
        "the request is about too many keys or bytes: one changes {} keys at most, and fewer large ones; take a shorter range, or ask for less together",
        bounds::MAX_REVISION_KEYS
    )]
    TooMuch,
    /// The answer does not fit, or not into the request's share of a command of many requests.
    #[error("the answer is too large; ask for fewer keys, or for less together")]
    AnswerTooLarge,
    /// The primary was asked to give way less than [`MOVE_INTERVAL`](bounds::MOVE_INTERVAL) ago.
    #[error(
        "the primary was asked to give way less than {} seconds ago: it may be asked again at {} microseconds of agreed time",
        bounds::MOVE_INTERVAL.as_secs(),
        .next.as_micros()
    )]
    MovedRecently {
        /// The agreed time from which on it may be asked again.
        next: Timestamp,
    },
    /// It does not fit behind the work of those that came in the same batch ([`BATCH_WORK`](bounds::BATCH_WORK)): it may be asked again.
    #[error("too many requests: others of the same batch had much to read or change; ask again")]
    Crowded,
}
