//! What is known of leases.

use serde::{Deserialize, Serialize};
use tetrarch_storage::{Reader, StoreError};
use tetrarch_types::Timestamp;

use crate::store::bounds::MAX_LISTED_LEASES;
use crate::store::rows::leases;

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseState {
    /// Its time to live as granted, in seconds.
    pub ttl: u64,
    /// The agreed time at which it ends, if nobody keeps it alive.
    pub deadline: Timestamp,
    /// The keys that hang on it, ascending, if asked for.
    pub keys: Vec<Vec<u8>>,
}

/// Some of the leases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseList {
    /// By their ids, ascending.
    pub leases: Vec<ListedLease>,
    /// Whether there may be more behind the last.
    pub more: bool,
}

/// A lease in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedLease {
    /// Its id.
    pub id: u64,
    /// Its time to live as granted, in seconds.
    pub ttl: u64,
}

impl LeaseList {
    /// Where the rest of the list begins, if there is one: the `from` of the next [`KvQuery::Leases`](super::KvQuery::Leases).
    pub fn next(&self) -> Option<u64> {
        self.leases.last().and_then(|last| last.id.checked_add(1)).filter(|_| self.more)
    }
}

pub(super) fn one(state: &dyn Reader, id: u64, with_keys: bool) -> Result<Option<LeaseState>, StoreError> {
    let Some(lease) = leases::read(state, id)? else { return Ok(None) };
    let keys = if with_keys { leases::keys(state, id)? } else { Vec::new() };
    Ok(Some(LeaseState { ttl: lease.ttl, deadline: lease.deadline, keys }))
}

pub(super) fn list(state: &dyn Reader, from: u64) -> Result<LeaseList, StoreError> {
    let found = leases::all_from(state, from, MAX_LISTED_LEASES)?;
    let leases: Vec<_> = found.into_iter().map(|(id, lease)| ListedLease { id, ttl: lease.ttl }).collect();
    Ok(LeaseList { more: leases.len() == MAX_LISTED_LEASES, leases })
}
