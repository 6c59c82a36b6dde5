//! Why the store refuses something. Where etcd has a sentence for it, it is etcd's.

use serde::{Deserialize, Serialize};

use super::bounds;

/// Why a command or one of its operations was refused. Part of results, so the same on every replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum KvError {
    /// The bytes are no command.
    #[error("the request is malformed")]
    Malformed,
    /// A command of too many bytes.
    #[error("request is too large")]
    RequestTooLarge,
    /// A command of too many operations.
    #[error("too many operations in txn request")]
    TooManyOperations,
    /// An empty key.
    #[error("key is not provided")]
    KeyNotProvided,
    /// A key of too many bytes.
    #[error("key is too long: it may have {} bytes", bounds::MAX_KEY_BYTES)]
    KeyTooLong,
    /// A value of too many bytes.
    #[error("value is too large: it may have {} bytes", bounds::MAX_VALUE_BYTES)]
    ValueTooLarge,
    /// More keys than one operation may delete, or more than the command may read. None of them was deleted.
    #[error(
        "too many keys under the prefix: one request deletes at most {}, and fewer large ones; delete longer prefixes one by one",
        bounds::MAX_DELETE_KEYS
    )]
    TooManyKeys,
    /// The record does not fit the answer beside those of the operations before it.
    #[error("the answer is too large; ask for fewer keys in one request")]
    AnswerTooLarge,
}
