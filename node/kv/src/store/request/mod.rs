//! What can be asked of the store in order.

mod change;
mod keys;
mod overlaps;
pub(super) mod preorder;
mod range;
mod shorthand;
mod txn;

pub use change::{DeleteRangeRequest, PutRequest};
pub(super) use keys::Span;
pub use keys::{KeyRange, prefix_end};
pub use range::{RangeRequest, Revisions, Sort, SortOrder, SortTarget};
use serde::{Deserialize, Serialize};
pub use shorthand::Expected;
use tetrarch_types::{DecodeError, View, decode, encode};
pub use txn::{Compare, Comparison, Operation, Target, TxnRequest};

use super::KvError;
use super::bounds::{MAX_LEASE_TTL, MAX_REQUEST_BYTES, MAX_REQUESTS};

/// Requests that run in order. One signature can so stand for many callers: each request has a result of its own, and a revision of its
/// own if it changes something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// At most [`MAX_REQUESTS`] of them.
    pub requests: Vec<Request>,
}

/// What one call of an etcd client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Reads, in order: a linearizable read.
    Range(RangeRequest),
    /// Puts a key.
    Put(PutRequest),
    /// Deletes keys.
    DeleteRange(DeleteRangeRequest),
    /// Compares, and runs one of two lists of operations.
    Txn(TxnRequest),
    /// Gives up what was before a revision.
    Compact {
        /// The first that can still be read.
        revision: u64,
    },
    /// Makes a lease.
    LeaseGrant {
        /// Its id, drawn by whoever signs; not 0.
        id: u64,
        /// Its time to live, in seconds. What is shorter than [`MIN_LEASE_TTL`](super::bounds::MIN_LEASE_TTL) becomes that.
        ttl: i64,
    },
    /// Ends a lease, and deletes its keys.
    LeaseRevoke {
        /// Which.
        id: u64,
    },
    /// Has a lease live on from now.
    LeaseKeepAlive {
        /// Which.
        id: u64,
    },
    /// Asks the primary to give way to the next one (rule V-10). Accepted once in [`MOVE_INTERVAL`](super::bounds::MOVE_INTERVAL).
    MovePrimary {
        /// The view that it is the primary of. Replicas that are in another one do nothing.
        view: View,
    },
}

impl Command {
    /// These requests, in order.
    pub fn new(requests: impl IntoIterator<Item = Request>) -> Self {
        Self { requests: requests.into_iter().collect() }
    }

    /// A transaction's command bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a transaction's command bytes. What is wrong with a single request is for that request's result to say.
    ///
    /// # Errors
    /// [`KvError::RequestTooLarge`], [`KvError::Malformed`], [`KvError::TooManyRequests`].
    pub fn decode(bytes: &[u8]) -> Result<Self, KvError> {
        let command: Self = decode(bytes, MAX_REQUEST_BYTES).map_err(|error| match error {
            DecodeError::TooLarge { .. } => KvError::RequestTooLarge,
            _ => KvError::Malformed,
        })?;
        if command.requests.len() > MAX_REQUESTS { Err(KvError::TooManyRequests) } else { Ok(command) }
    }
}

impl From<Request> for Command {
    fn from(request: Request) -> Self {
        Self { requests: vec![request] }
    }
}

impl Request {
    /// Whether it can be asked for, whatever the state.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), KvError> {
        match self {
            Self::Range(range) => range.check(),
            Self::Put(put) => put.check(),
            Self::DeleteRange(delete) => delete.range.check(),
            Self::Txn(txn) => txn.check(),
            Self::LeaseGrant { id: 0, .. } => Err(KvError::LeaseNotFound),
            Self::LeaseGrant { ttl, .. } if u64::try_from(*ttl).is_ok_and(|ttl| ttl > MAX_LEASE_TTL) => {
                Err(KvError::LeaseTtlTooLarge)
            }
            Self::Compact { .. }
            | Self::LeaseGrant { .. }
            | Self::LeaseRevoke { .. }
            | Self::LeaseKeepAlive { .. }
            | Self::MovePrimary { .. } => Ok(()),
        }
    }
}
