//! What limits requests, answers and what is kept. All of it is part of the protocol: results depend on it, so replicas must agree.

use std::time::Duration;

use tetrarch_types::limits::MAX_RESULT_BYTES;

use super::KvError;

/// A key's bytes; it has at least one.
pub const MAX_KEY_BYTES: usize = 4_096;

/// A value's bytes.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// An encoded command's bytes: etcd's limit for a request.
pub const MAX_REQUEST_BYTES: usize = 1_536 * 1024;

/// Requests in one command.
pub const MAX_REQUESTS: usize = 128;

/// Compares or operations in one list of a transaction; a nested one may have so many less as the lists around it have. etcd's limit.
pub const MAX_LIST_OPERATIONS: usize = 128;

/// Operations and compares in one transaction, those of nested ones among them.
pub const MAX_TXN_OPERATIONS: usize = 1_024;

/// Transactions within each other: more than [`MAX_LIST_OPERATIONS`] allows are not even read.
pub const MAX_TXN_DEPTH: usize = MAX_LIST_OPERATIONS + 1;

/// Keys that one revision may change, and keys that may hang on one lease.
pub const MAX_REVISION_KEYS: usize = 4_096;

/// The bytes of the keys that one revision may change, or that may hang on one lease.
pub const MAX_REVISION_KEY_BYTES: usize = 1024 * 1024;

/// The bytes of the keys and values that may hang on one lease.
pub const MAX_LEASE_BYTES: usize = 16 * 1024 * 1024;

/// An encoded query's bytes: a range and its wrapping.
pub const MAX_QUERY_BYTES: usize = tetrarch_types::limits::MAX_QUESTION_BYTES;

const _: () = assert!(MAX_QUERY_BYTES > 2 * (MAX_KEY_BYTES + 64), "a range of the longest keys");

/// The shortest time to live of a lease, in seconds: what etcd with its usual settings makes of any shorter one.
pub const MIN_LEASE_TTL: u64 = 2;

/// The longest time to live that a lease may be granted, in seconds: etcd's.
pub const MAX_LEASE_TTL: u64 = 9_000_000_000;

/// Leases that end with one batch by their deadlines, at most. Fewer, once those have [`MAX_REVISION_KEYS`] keys or
/// [`MAX_LEASE_BYTES`] together.
pub const MAX_ENDED_LEASES: usize = 128;

/// Leases in one answer that lists them.
pub const MAX_LISTED_LEASES: usize = 50_000;

/// Revisions that can be read or told beside the latest.
pub const MAX_KEPT_REVISIONS: u64 = 65_536;

/// The bytes of history and events, keys included, beyond which the oldest are given up.
pub const MAX_KEPT_BYTES: u64 = 128 * 1024 * 1024;

/// Rows of what is compacted that each batch clears.
pub const CLEARED_PER_BATCH: usize = 1_024;

/// Rows of what is compacted that each change of a row clears beside, so that clearing keeps up with any load.
pub const CLEARED_PER_CHANGE: usize = 2;

/// How long after the primary was asked to give way nobody can ask it again, in agreed time (rule V-10). A view change costs a cluster some
/// round trips in which nothing is ordered: so often, that is less than a hundredth of its time even across continents.
pub const MOVE_INTERVAL: Duration = Duration::from_secs(60);

/// The bytes that a response takes beside the records in it, at most.
pub(super) const RESPONSE_BYTES: usize = 96;

/// What a record takes beside its key and value, at most: numbers and lengths.
pub(super) const RECORD_BYTES: usize = 64;

/// The work of one batch, once done, leaves its further commands room for small requests only: a thousand commands of a few bytes each must
/// not keep replicas from everything else, nor fill their memory, whatever they are about. Bytes, read or moved to the history; a key that is
/// read counts as 1024 beside its own.
pub const BATCH_WORK: usize = 64 * 1024 * 1024;

/// What looking at one more key counts as, in bytes.
const KEY_WORK: usize = 1024;

/// What a request counts as beside that is refused for its size: it may have read a record too large to be counted.
const REFUSAL_WORK: usize = 1024 * 1024;

/// What may still be read, answered and moved to the history on behalf of one command, request or query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    keys: usize,
    bytes: usize,
    /// Bytes of history that have to be gone through for what is in them.
    past: usize,
    answer: usize,
    moved: usize,
    /// Requests that may yet be refused for their size.
    refusals: usize,
    /// Whether it is less than it would be in a batch of its own.
    is_crowded: bool,
}

impl Budget {
    /// For all requests of a command together.
    pub(super) const COMMAND: Self = Self {
        keys: 20_000,
        bytes: 16 * 1024 * 1024,
        past: 32 * 1024 * 1024,
        answer: MAX_RESULT_BYTES - 1024 - MAX_REQUESTS * RESPONSE_BYTES,
        moved: 32 * 1024 * 1024,
        refusals: 16,
        is_crowded: false,
    };

    /// What a command has in any batch: enough for what names its keys.
    const SMALL: Self = Self {
        keys: 256,
        bytes: 256 * 1024,
        past: 256 * 1024,
        moved: 128 * 1024,
        refusals: 1,
        is_crowded: true,
        ..Self::COMMAND
    };

    /// For one query.
    pub(super) const QUERY: Self = Self {
        keys: 100_000,
        bytes: 64 * 1024 * 1024,
        past: 1024 * 1024 * 1024,
        answer: MAX_RESULT_BYTES - 16 * 1024,
        moved: 0,
        ..Self::COMMAND
    };

    /// For the next command of a batch in which so much work was done.
    pub(super) fn behind(work: usize) -> Self {
        let (all, small, left) = (Self::COMMAND, Self::SMALL, BATCH_WORK.saturating_sub(work));
        let within = |all: usize, small: usize, unit: usize| all.min(left / unit).max(small);
        let within = Self {
            keys: within(all.keys, small.keys, KEY_WORK),
            bytes: within(all.bytes, small.bytes, 1),
            past: within(all.past, small.past, 1),
            moved: within(all.moved, small.moved, 1),
            refusals: within(all.refusals, small.refusals, REFUSAL_WORK),
            ..all
        };
        Self { is_crowded: within != all, ..within }
    }

    /// What the next of so many requests that are left may take: as much as each of them, and what those before it left over. Any record
    /// can be overwritten by the largest command, but for one in a crowded batch.
    pub(super) fn share(&self, requests_left: usize) -> Self {
        let left = requests_left.max(1);
        let least = if self.is_crowded { 0 } else { MAX_VALUE_BYTES + MAX_KEY_BYTES + RECORD_BYTES };
        let moved = (self.moved / left).max(least);
        let (keys, bytes, past, answer) = (self.keys / left, self.bytes / left, self.past / left, self.answer / left);
        Self { keys, bytes, past, answer, moved, ..*self }
    }

    /// Takes what a request has taken of its share; the work that was.
    pub(super) fn settle(&mut self, share: &Self, left: &Self) -> usize {
        let (keys, bytes, past) = (share.keys - left.keys, share.bytes - left.bytes, share.past - left.past);
        let moved = share.moved - left.moved;
        self.keys -= keys;
        self.bytes -= bytes;
        self.past -= past;
        self.answer -= share.answer - left.answer;
        self.moved = self.moved.saturating_sub(moved);
        keys * KEY_WORK + bytes + past + moved
    }

    /// Takes a request that was refused for its size; the work that was. What such a request reads is known when it has been read, and is
    /// not counted in full: so there are few of them in a command.
    pub(super) const fn refused(&mut self) -> usize {
        self.refusals = self.refusals.saturating_sub(1);
        REFUSAL_WORK
    }

    /// Whether the requests that are left are refused without a look.
    pub(super) const fn is_spent(&self) -> bool {
        self.refusals == 0
    }

    /// Why something is refused that does not fit.
    pub(super) const fn refusal(&self) -> KvError {
        if self.is_crowded { KvError::Crowded } else { KvError::TooMuch }
    }

    /// Counts a row that was read. False when it is one too many.
    pub(super) fn may_read(&mut self, bytes: usize) -> bool {
        take(&mut self.keys, 1) && take(&mut self.bytes, bytes)
    }

    /// Counts bytes of history that were gone through. False when they are too many.
    pub(super) fn may_look_back(&mut self, bytes: usize) -> bool {
        take(&mut self.past, bytes)
    }

    /// Sets bytes of the answer apart. False when they do not fit.
    pub(super) fn may_answer(&mut self, bytes: usize) -> bool {
        take(&mut self.answer, bytes)
    }

    /// Counts bytes that move to the history. False when they are too many.
    pub(super) fn may_move(&mut self, bytes: usize) -> bool {
        take(&mut self.moved, bytes)
    }

    /// Counts the end of all that hangs on a lease. False when that is too much.
    pub(super) fn may_end(&mut self, load: &Load) -> bool {
        let keys = load.keys as usize;
        let bytes = usize::try_from(load.bytes).unwrap_or(usize::MAX);
        take(&mut self.keys, keys) && self.may_move(bytes.saturating_add(keys * RECORD_BYTES))
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

/// How much one revision changes, or hangs on one lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Load {
    keys: u32,
    key_bytes: u32,
    bytes: u64,
}

impl Load {
    /// With one key more, and the bytes of its value; none if that is more than a lease may have.
    pub(super) fn with(self, key: &[u8], value: &[u8]) -> Option<Self> {
        let more = Self {
            keys: self.keys + 1,
            key_bytes: self.key_bytes + u32::try_from(key.len()).ok()?,
            bytes: self.bytes + weight(key, value),
        };
        more.is_bounded().then_some(more)
    }

    /// With one key less.
    pub(super) fn without(self, key: &[u8], value: &[u8]) -> Self {
        Self {
            keys: self.keys.saturating_sub(1),
            key_bytes: self.key_bytes.saturating_sub(u32::try_from(key.len()).unwrap_or(u32::MAX)),
            bytes: self.bytes.saturating_sub(weight(key, value)),
        }
    }

    /// Both together, whatever they come to.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            keys: self.keys.saturating_add(other.keys),
            key_bytes: self.key_bytes.saturating_add(other.key_bytes),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// Whether it is no more than one lease may have.
    pub(super) const fn is_bounded(self) -> bool {
        self.keys as usize <= MAX_REVISION_KEYS
            && self.key_bytes as usize <= MAX_REVISION_KEY_BYTES
            && self.bytes <= MAX_LEASE_BYTES as u64
    }
}

const fn weight(key: &[u8], value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}
