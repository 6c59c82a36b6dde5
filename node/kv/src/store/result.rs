//! What commands come to.

use serde::{Deserialize, Serialize};
use tetrarch_types::{DecodeError, decode, encode, limits};

use super::{KeyRecord, KvError};

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// The store's revision after the command.
    pub revision: u64,
    /// A result for each operation, in order; or why the command was refused as a whole, and changed nothing.
    pub results: Result<Vec<Result<OperationResult, KvError>>, KvError>,
}

/// What came of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationResult {
    /// The key is put.
    Put {
        /// Puts since it came to be, this one among them.
        version: u64,
    },
    /// To [`Delete`](super::Operation::Delete) and [`DeletePrefix`](super::Operation::DeletePrefix).
    Deleted {
        /// How many keys there were.
        count: u64,
    },
    /// To [`CompareAndSwap`](super::Operation::CompareAndSwap). Who wants to see what is there instead lets a
    /// [`Get`](super::Operation::Get) follow in the same command.
    Swapped {
        /// Whether the key was as expected, and so is now as demanded.
        succeeded: bool,
        /// The revision of the key's last put, now; 0 if it is missing.
        mod_revision: u64,
    },
    /// To [`Get`](super::Operation::Get).
    Got {
        /// The record, if the key has one.
        record: Option<KeyRecord>,
    },
    /// To [`Range`](super::Operation::Range).
    Range(Selection),
}

/// The records of a range, as many as the limit and the bounds allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Keys and records, ascending.
    pub records: Vec<(Vec<u8>, KeyRecord)>,
    /// Keys in the range, whatever the limit.
    pub count: u64,
    /// Whether all keys of the range were counted; if not, there may be more than [`count`](Self::count).
    pub count_is_exact: bool,
    /// Whether the range has keys behind the last record: ask again from there.
    pub more: bool,
}

impl CommandResult {
    /// An executed transaction's result bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads an executed transaction's result bytes.
    ///
    /// # Errors
    /// If they are none of this store's.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, limits::MAX_RESULT_BYTES)
    }
}
