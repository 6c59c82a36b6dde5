//! What can be asked of the store in order.

use serde::{Deserialize, Serialize};
use tetrarch_types::{DecodeError, decode, encode};

use super::KvError;
use super::bounds::{MAX_KEY_BYTES, MAX_OPERATIONS, MAX_REQUEST_BYTES, MAX_VALUE_BYTES};

/// Operations that run together, in order. One signature can so stand for many callers, each with a result of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// At most [`MAX_OPERATIONS`] of them.
    pub operations: Vec<Operation>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Sets a key's value.
    Put {
        /// The key.
        key: Vec<u8>,
        /// Its new value.
        value: Vec<u8>,
    },
    /// Deletes a key; no error if it is missing.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
    /// Deletes every key that begins with the prefix, or, if there are more than
    /// [`MAX_DELETE_KEYS`](super::bounds::MAX_DELETE_KEYS), none. Every key begins with an empty prefix.
    DeletePrefix {
        /// The prefix.
        prefix: Vec<u8>,
    },
    /// Puts or deletes a key if it is as expected.
    CompareAndSwap {
        /// The key.
        key: Vec<u8>,
        /// What must hold.
        expected: Expected,
        /// The new value; none deletes the key.
        value: Option<Vec<u8>>,
    },
    /// Reads a key, in order: a linearizable read.
    Get {
        /// The key.
        key: Vec<u8>,
    },
    /// Reads the keys of `[from, to)`, in order.
    Range {
        /// The first key.
        from: Vec<u8>,
        /// The first key that does not belong to it any more; empty: no bound.
        to: Vec<u8>,
        /// Records in the answer, at most; 0: as many as fit.
        limit: u64,
    },
}

/// What a key must be like for a [`CompareAndSwap`](Operation::CompareAndSwap). A missing key has zeroes for numbers, and no
/// value that equals any other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expected {
    /// It is missing.
    Absent,
    /// It has this value.
    Value(Vec<u8>),
    /// It was last put at this revision.
    ModRevision(u64),
    /// It was put this many times since it came to be.
    Version(u64),
}

impl Command {
    /// These operations, in order.
    pub fn new(operations: impl IntoIterator<Item = Operation>) -> Self {
        Self { operations: operations.into_iter().collect() }
    }

    /// Sets one key.
    pub fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Operation::put(key, value).into()
    }

    /// Deletes one key.
    pub fn delete(key: impl Into<Vec<u8>>) -> Self {
        Operation::delete(key).into()
    }

    /// Deletes all keys with this prefix.
    pub fn delete_prefix(prefix: impl Into<Vec<u8>>) -> Self {
        Operation::delete_prefix(prefix).into()
    }

    /// Puts or deletes one key if it is as expected.
    pub fn compare_and_swap(key: impl Into<Vec<u8>>, expected: Expected, value: Option<Vec<u8>>) -> Self {
        Operation::compare_and_swap(key, expected, value).into()
    }

    /// Reads one key.
    pub fn get(key: impl Into<Vec<u8>>) -> Self {
        Operation::get(key).into()
    }

    /// Reads the keys with this prefix.
    pub fn prefix(prefix: impl Into<Vec<u8>>, limit: u64) -> Self {
        Operation::prefix(prefix, limit).into()
    }

    /// A transaction's command bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a transaction's command bytes. What is wrong with a single operation is for that operation's result to say.
    ///
    /// # Errors
    /// [`KvError::RequestTooLarge`], [`KvError::Malformed`], [`KvError::TooManyOperations`].
    pub fn decode(bytes: &[u8]) -> Result<Self, KvError> {
        let command: Self = decode(bytes, MAX_REQUEST_BYTES).map_err(|error| match error {
            DecodeError::TooLarge { .. } => KvError::RequestTooLarge,
            _ => KvError::Malformed,
        })?;
        if command.operations.len() > MAX_OPERATIONS { Err(KvError::TooManyOperations) } else { Ok(command) }
    }
}

impl From<Operation> for Command {
    fn from(operation: Operation) -> Self {
        Self { operations: vec![operation] }
    }
}

impl Operation {
    /// See [`Operation::Put`].
    pub fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put { key: key.into(), value: value.into() }
    }

    /// See [`Operation::Delete`].
    pub fn delete(key: impl Into<Vec<u8>>) -> Self {
        Self::Delete { key: key.into() }
    }

    /// See [`Operation::DeletePrefix`].
    pub fn delete_prefix(prefix: impl Into<Vec<u8>>) -> Self {
        Self::DeletePrefix { prefix: prefix.into() }
    }

    /// See [`Operation::CompareAndSwap`].
    pub fn compare_and_swap(key: impl Into<Vec<u8>>, expected: Expected, value: Option<Vec<u8>>) -> Self {
        Self::CompareAndSwap { key: key.into(), expected, value }
    }

    /// See [`Operation::Get`].
    pub fn get(key: impl Into<Vec<u8>>) -> Self {
        Self::Get { key: key.into() }
    }

    /// The [`Operation::Range`] of the keys with this prefix.
    pub fn prefix(prefix: impl Into<Vec<u8>>, limit: u64) -> Self {
        let from = prefix.into();
        Self::Range { to: prefix_end(&from), from, limit }
    }

    /// Whether it is within the bounds that each operation has for itself.
    ///
    /// # Errors
    /// [`KvError::KeyNotProvided`], [`KvError::KeyTooLong`], [`KvError::ValueTooLarge`].
    pub fn check(&self) -> Result<(), KvError> {
        match self {
            Self::Put { key, value } => check_key(key).and_then(|()| check_value(value)),
            Self::CompareAndSwap { key, value, .. } => {
                check_key(key).and_then(|()| check_value(value.as_deref().unwrap_or_default()))
            }
            Self::Delete { key } | Self::Get { key } => check_key(key),
            Self::DeletePrefix { prefix } => check_bound(prefix),
            Self::Range { from, to, .. } => check_range(from, to),
        }
    }
}

/// The first key behind all that begin with `prefix`; empty, which is no bound, if there is none.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            break;
        }
    }
    end
}

pub(super) fn check_key(key: &[u8]) -> Result<(), KvError> {
    match key.len() {
        0 => Err(KvError::KeyNotProvided),
        1..=MAX_KEY_BYTES => Ok(()),
        _ => Err(KvError::KeyTooLong),
    }
}

pub(super) fn check_range(from: &[u8], to: &[u8]) -> Result<(), KvError> {
    check_bound(from).and_then(|()| check_bound(to))
}

/// One byte more than a key has: what lies behind the longest key must be sayable.
fn check_bound(bound: &[u8]) -> Result<(), KvError> {
    if bound.len() > MAX_KEY_BYTES + 1 { Err(KvError::KeyTooLong) } else { Ok(()) }
}

fn check_value(value: &[u8]) -> Result<(), KvError> {
    if value.len() > MAX_VALUE_BYTES { Err(KvError::ValueTooLarge) } else { Ok(()) }
}
