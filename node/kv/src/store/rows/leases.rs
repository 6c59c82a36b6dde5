//! Leases, what hangs on them, and when they end.

use serde::{Deserialize, Serialize};
use tetrarch_storage::{Direction, Reader, StoreError, Table};
use tetrarch_types::{Timestamp, encode};

use crate::store::bounds::MAX_REVISION_KEYS;
use crate::store::load::Load;
use crate::tables::{Overlay, corrupt, fixed, row, value};

/// Id → [`Lease`].
pub(in crate::store) const LEASES: Table = Table::new("kv.leases");

/// Lease, key → nothing: what hangs on it.
pub(in crate::store) const ATTACHED: Table = Table::new("kv.attached");

/// Deadline, lease → nothing: the order in which they end.
pub(in crate::store) const DEADLINES: Table = Table::new("kv.deadlines");

/// A lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Lease {
    /// Its time to live as granted, in seconds.
    pub(in crate::store) ttl: u64,
    /// The agreed time at which it ends.
    pub(in crate::store) deadline: Timestamp,
    /// What hangs on it.
    pub(in crate::store) load: Load,
}

pub(in crate::store) fn read(state: &dyn Reader, id: u64) -> Result<Option<Lease>, StoreError> {
    row(state, LEASES, &id.to_be_bytes())
}

/// Writes a lease as it is from now on, where `before` is as it was.
pub(in crate::store) fn put(state: &mut Overlay<'_>, id: u64, before: Option<&Lease>, lease: &Lease) {
    if before.is_none_or(|before| before.deadline != lease.deadline) {
        if let Some(before) = before {
            state.delete(DEADLINES, deadline_key(before.deadline, id));
        }
        state.put(DEADLINES, deadline_key(lease.deadline, id), []);
    }
    state.put(LEASES, id.to_be_bytes(), encode(lease));
}

/// Removes a lease on which nothing hangs.
pub(in crate::store) fn delete(state: &mut Overlay<'_>, id: u64, lease: &Lease) {
    state.delete(DEADLINES, deadline_key(lease.deadline, id));
    state.delete(LEASES, id.to_be_bytes());
}

pub(in crate::store) fn attach(state: &mut Overlay<'_>, id: u64, key: &[u8]) {
    state.put(ATTACHED, attached_key(id, key), []);
}

pub(in crate::store) fn detach(state: &mut Overlay<'_>, id: u64, key: &[u8]) {
    state.delete(ATTACHED, attached_key(id, key));
}

/// The keys that hang on a lease, ascending.
pub(in crate::store) fn keys(state: &dyn Reader, id: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    let from = id.to_be_bytes();
    let to = id.checked_add(1).map(|next| next.to_be_bytes().to_vec()).unwrap_or_default();
    let rows = state.scan(ATTACHED, &from, &to, Direction::Ascending, MAX_REVISION_KEYS)?;
    let key = |(row_key, _): (Vec<u8>, Vec<u8>)| {
        row_key.get(from.len()..).map(<[u8]>::to_vec).ok_or_else(|| corrupt(ATTACHED, "its key is cut"))
    };
    rows.into_iter().map(key).collect()
}

/// Leases from an id on, so many at most.
pub(in crate::store) fn all_from(state: &dyn Reader, id: u64, limit: usize) -> Result<Vec<(u64, Lease)>, StoreError> {
    let rows = state.scan(LEASES, &id.to_be_bytes(), &[], Direction::Ascending, limit)?;
    rows.iter().map(|(key, bytes)| Ok((u64::from_be_bytes(fixed(LEASES, key)?), value(LEASES, bytes)?))).collect()
}

/// The leases whose deadlines are at or before a time, so many at most, in the order in which they end.
pub(in crate::store) fn due(state: &dyn Reader, time: Timestamp, limit: usize) -> Result<Vec<u64>, StoreError> {
    let to = time.as_micros().checked_add(1).map(|next| next.to_be_bytes().to_vec()).unwrap_or_default();
    let rows = state.scan(DEADLINES, &[], &to, Direction::Ascending, limit)?;
    let id = |(key, _): &(Vec<u8>, Vec<u8>)| {
        let id = key.get(size_of::<u64>()..).ok_or_else(|| corrupt(DEADLINES, "its key is cut"))?;
        Ok(u64::from_be_bytes(fixed(DEADLINES, id)?))
    };
    rows.iter().map(id).collect()
}

/// The earliest deadline, if there is a lease.
pub(in crate::store) fn first_deadline(state: &dyn Reader) -> Result<Option<Timestamp>, StoreError> {
    let first = state.scan(DEADLINES, &[], &[], Direction::Ascending, 1)?.pop();
    let deadline = |(key, _): (Vec<u8>, Vec<u8>)| {
        let micros = key.get(..size_of::<u64>()).ok_or_else(|| corrupt(DEADLINES, "its key is cut"))?;
        Ok(Timestamp::from_micros(u64::from_be_bytes(fixed(DEADLINES, micros)?)))
    };
    first.map(deadline).transpose()
}

fn attached_key(id: u64, key: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], key].concat()
}

fn deadline_key(deadline: Timestamp, id: u64) -> Vec<u8> {
    [deadline.as_micros().to_be_bytes(), id.to_be_bytes()].concat()
}
