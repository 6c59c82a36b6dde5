//! What limits requests, answers and what is kept. All of it is part of the protocol: results depend on it, so replicas must agree.

use std::time::Duration;

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

/// Work that, once a batch has done it, leaves its further commands room for small requests only: a thousand commands of a few bytes each must
/// not keep replicas from everything else, nor fill their memory, whatever they are about. Bytes, read or moved to the history; a key that is
/// read counts as 1024 beside its own.
pub const BATCH_WORK: usize = 64 * 1024 * 1024;

/// How long after the primary was asked to give way nobody can ask it again, in agreed time (rule V-10). A view change costs a cluster some
/// round trips in which nothing is ordered: so often, that is less than a hundredth of its time even across continents.
pub const MOVE_INTERVAL: Duration = Duration::from_secs(60);

/// The bytes that a response takes beside the records in it, at most.
pub(super) const RESPONSE_BYTES: usize = 96;

/// What a record takes beside its key and value, at most: numbers and lengths.
pub(super) const RECORD_BYTES: usize = 64;
