//! Where the records are that were overwritten or deleted (rule H-1): an index over the events, which have them.

use tetrarch_storage::{Direction, Reader, StoreError, Table};

use super::events::{self, EVENTS, Place, Spot};
use super::ordered;
use crate::execution::IndexRow;
use crate::store::record::{self, KeyRecord};
use crate::tables::{Overlay, corrupt, fixed};

/// Key, revision at which its record ended, key of the row in [`EVENTS`] that has the record → behind how many bytes of that row.
pub(in crate::store) const HISTORY: Table = Table::new("kv.history");

/// A row.
pub(in crate::store) struct Past {
    pub(in crate::store) key: Vec<u8>,
    /// The revision at which it was overwritten or deleted.
    pub(in crate::store) ended: u64,
    spot: Spot,
}

impl Past {
    /// What the key was until then, and the bytes that were read for it.
    pub(in crate::store) fn record(&self, state: &dyn Reader) -> Result<(KeyRecord, usize), StoreError> {
        let (record, bytes) = events::previous(state, self.spot, self.ended, &self.key)?;
        if record.mod_revision >= self.ended {
            return Err(corrupt(EVENTS, "a record ended before it began"));
        }
        Ok((record, bytes))
    }
}

/// Writes down where the record is that a key had until a revision; the row's bytes.
pub(in crate::store) fn put(state: &mut Overlay<'_>, key: &[u8], ended: u64, spot: Spot) -> u64 {
    let key = row_key(key, ended, spot.first);
    let bytes = row_bytes(&key);
    state.put(HISTORY, key, spot.offset.to_be_bytes());
    bytes
}

/// Forgets where the record is that a key had until a revision; the row's bytes.
pub(in crate::store) fn delete(state: &mut Overlay<'_>, key: &[u8], ended: u64, row: Place) -> u64 {
    let key = row_key(key, ended, row);
    let bytes = row_bytes(&key);
    state.delete(HISTORY, key);
    bytes
}

/// The rows that a row of events makes due.
pub(in crate::store) fn index_rows(key: &[u8], row: &[u8]) -> Result<Vec<IndexRow>, StoreError> {
    let first = Place::of(key)?;
    let with_past = events::of_row(row)?.into_iter().filter(|(_, event)| event.previous.is_some());
    let due = with_past
        .map(|(offset, event)| (HISTORY, row_key(&event.key, event.revision, first), offset.to_be_bytes().to_vec()));
    Ok(due.collect())
}

/// What a key was at a revision that is kept.
pub(in crate::store) fn at(state: &dyn Reader, key: &[u8], revision: u64) -> Result<Option<KeyRecord>, StoreError> {
    if let Some(now) = record::read(state, key)?.filter(|record| record.mod_revision <= revision) {
        return Ok(Some(now));
    }
    let past = ended_behind(state, key, revision)?.map(|past| past.record(state)).transpose()?;
    Ok(past.map(|(record, _)| record).filter(|record| record.mod_revision <= revision))
}

/// The first row of a key that ended behind a revision.
pub(in crate::store) fn ended_behind(
    state: &dyn Reader,
    key: &[u8],
    revision: u64,
) -> Result<Option<Past>, StoreError> {
    first(state, &in_front(key, revision.saturating_add(1)), &behind_all(key))
}

/// The first row of the first key of `[from, to)` that has any; an empty `to` is no bound.
pub(in crate::store) fn first_of(state: &dyn Reader, from: &[u8], to: &[u8]) -> Result<Option<Past>, StoreError> {
    let to = if to.is_empty() { Vec::new() } else { ordered::encode(to) };
    first(state, &ordered::encode(from), &to)
}

fn first(state: &dyn Reader, from: &[u8], to: &[u8]) -> Result<Option<Past>, StoreError> {
    let found = state.scan(HISTORY, from, to, Direction::Ascending, 1)?.pop();
    found.map(|(key, offset)| past(&key, &offset)).transpose()
}

fn past(row_key: &[u8], offset: &[u8]) -> Result<Past, StoreError> {
    let (key, rest) = ordered::decode(HISTORY, row_key)?;
    let (ended, row) = rest.split_at(rest.len().min(size_of::<u64>()));
    let spot = Spot { first: Place::of(row)?, offset: u32::from_be_bytes(fixed(HISTORY, offset)?) };
    Ok(Past { key, ended: u64::from_be_bytes(fixed(HISTORY, ended)?), spot })
}

fn row_bytes(key: &[u8]) -> u64 {
    (key.len() + size_of::<u32>()) as u64
}

/// The row of the events is part of the key, so that no two rows of events make the same index row due.
fn row_key(key: &[u8], ended: u64, row: Place) -> Vec<u8> {
    [in_front(key, ended), row.key()].concat()
}

/// In front of the row of a key that ended at this revision.
fn in_front(key: &[u8], ended: u64) -> Vec<u8> {
    [ordered::encode(key).as_slice(), &ended.to_be_bytes()].concat()
}

/// Behind all rows of a key.
fn behind_all(key: &[u8]) -> Vec<u8> {
    [ordered::encode(key).as_slice(), &[u8::MAX; 9]].concat()
}
