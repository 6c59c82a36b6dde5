//! Records that were overwritten or deleted (rule H-1).

use tetrarch_storage::{Direction, Reader, StoreError, Table};
use tetrarch_types::encode;

use super::ordered;
use crate::store::record::{self, KeyRecord};
use crate::tables::{Overlay, corrupt, fixed, value};

/// Key, revision at which it ended → [`KeyRecord`].
pub(in crate::store) const HISTORY: Table = Table::new("kv.history");

/// A row.
pub(in crate::store) struct Past {
    pub(in crate::store) key: Vec<u8>,
    /// The revision at which it was overwritten or deleted.
    pub(in crate::store) ended: u64,
    pub(in crate::store) record: KeyRecord,
}

/// Writes down what a key was until a revision; the row's bytes.
pub(in crate::store) fn put(state: &mut Overlay<'_>, key: &[u8], ended: u64, record: &KeyRecord) -> u64 {
    let (key, value) = (row_key(key, ended), encode(record));
    let bytes = key.len() + value.len();
    state.put(HISTORY, key, value);
    bytes as u64
}

/// Forgets what a key was until a revision.
pub(in crate::store) fn delete(state: &mut Overlay<'_>, key: &[u8], ended: u64) {
    state.delete(HISTORY, row_key(key, ended));
}

/// What a key was until this revision.
pub(in crate::store) fn ended_at(state: &dyn Reader, key: &[u8], ended: u64) -> Result<Option<KeyRecord>, StoreError> {
    crate::tables::row(state, HISTORY, &row_key(key, ended))
}

/// What a key was at a revision that is kept.
pub(in crate::store) fn at(state: &dyn Reader, key: &[u8], revision: u64) -> Result<Option<KeyRecord>, StoreError> {
    if let Some(now) = record::read(state, key)?.filter(|record| record.mod_revision <= revision) {
        return Ok(Some(now));
    }
    let past = ended_behind(state, key, revision)?.map(|past| past.record);
    Ok(past.filter(|record| record.mod_revision <= revision))
}

/// The first row of a key that ended behind a revision.
pub(in crate::store) fn ended_behind(
    state: &dyn Reader,
    key: &[u8],
    revision: u64,
) -> Result<Option<Past>, StoreError> {
    first(state, &row_key(key, revision.saturating_add(1)), &behind_all(key))
}

/// The first row of the first key of `[from, to)` that has any; an empty `to` is no bound.
pub(in crate::store) fn first_of(state: &dyn Reader, from: &[u8], to: &[u8]) -> Result<Option<Past>, StoreError> {
    let to = if to.is_empty() { Vec::new() } else { ordered::encode(to) };
    first(state, &ordered::encode(from), &to)
}

fn first(state: &dyn Reader, from: &[u8], to: &[u8]) -> Result<Option<Past>, StoreError> {
    let found = state.scan(HISTORY, from, to, Direction::Ascending, 1)?.pop();
    found.map(|(key, bytes)| past(&key, &bytes)).transpose()
}

fn past(row_key: &[u8], bytes: &[u8]) -> Result<Past, StoreError> {
    let (key, ended) = ordered::decode(HISTORY, row_key)?;
    let ended = u64::from_be_bytes(fixed(HISTORY, ended)?);
    let record: KeyRecord = value(HISTORY, bytes)?;
    if record.mod_revision >= ended {
        return Err(corrupt(HISTORY, "it ended before it began"));
    }
    Ok(Past { key, ended, record })
}

fn row_key(key: &[u8], ended: u64) -> Vec<u8> {
    [ordered::encode(key).as_slice(), &ended.to_be_bytes()].concat()
}

/// Behind all rows of a key.
fn behind_all(key: &[u8]) -> Vec<u8> {
    [ordered::encode(key).as_slice(), &[u8::MAX; 9]].concat()
}
