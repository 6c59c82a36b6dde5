//! What limits the store's commands, queries and tables. All of it is part of the protocol: replicas must agree on it.

use tetrarch_types::limits::MAX_RESULT_BYTES;

/// A key's bytes; it has at least one.
pub const MAX_KEY_BYTES: usize = 4_096;

/// A value's bytes.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// An encoded command's bytes: etcd's limit for a request.
pub const MAX_REQUEST_BYTES: usize = 1_536 * 1024;

/// Operations in one command: etcd's limit for a transaction.
pub const MAX_OPERATIONS: usize = 128;

/// Keys that one [`DeletePrefix`](super::Operation::DeletePrefix) may delete.
pub const MAX_DELETE_KEYS: usize = 1_000;

/// An encoded query's bytes: three keys and their wrapping.
pub const MAX_QUERY_BYTES: usize = 4 * MAX_KEY_BYTES;

/// Events that are kept. Every one of them is hashed at every checkpoint, as long as the state root has its first form.
pub const MAX_EVENTS: u64 = 8_192;

/// The bytes of the events that are kept.
pub const MAX_EVENT_BYTES: u64 = 4 * 1024 * 1024;

/// What may still be read and answered on behalf of one command or query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    keys: usize,
    bytes: usize,
    result: usize,
}

impl Budget {
    /// For all operations of a command together. 16 KiB of the result are set apart for small results, 128 bytes for each operation.
    pub(super) const COMMAND: Self =
        Self { keys: 20_000, bytes: 16 * 1024 * 1024, result: MAX_RESULT_BYTES - MAX_OPERATIONS * 128 };

    /// For one query.
    pub(super) const QUERY: Self =
        Self { keys: 100_000, bytes: 64 * 1024 * 1024, result: MAX_RESULT_BYTES - 16 * 1024 };

    /// Counts an entry that a range led to. False when it is one too many.
    pub(super) fn may_read(&mut self, bytes: usize) -> bool {
        take(&mut self.keys, 1) && take(&mut self.bytes, bytes)
    }

    /// Sets bytes of the result apart. False when they do not fit.
    pub(super) fn may_answer(&mut self, bytes: usize) -> bool {
        take(&mut self.result, bytes)
    }
}

fn take(left: &mut usize, wanted: usize) -> bool {
    match left.checked_sub(wanted) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}
