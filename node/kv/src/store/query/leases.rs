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
    /// Their ids, ascending.
    pub ids: Vec<u64>,
    /// Whether there may be more behind the last.
    pub more: bool,
}

pub(super) fn one(state: &dyn Reader, id: u64, with_keys: bool) -> Result<Option<LeaseState>, StoreError> {
    let Some(lease) = leases::read(state, id)? else { return Ok(None) };
    let keys = if with_keys { leases::keys(state, id)? } else { Vec::new() };
    Ok(Some(LeaseState { ttl: lease.ttl, deadline: lease.deadline, keys }))
}

pub(super) fn list(state: &dyn Reader, from: u64) -> Result<LeaseList, StoreError> {
    let ids = leases::ids_from(state, from, MAX_LISTED_LEASES)?;
    Ok(LeaseList { more: ids.len() == MAX_LISTED_LEASES, ids })
}
