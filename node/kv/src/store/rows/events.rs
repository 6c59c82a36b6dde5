//! What happened, by revision (rules H-2 and H-3).

use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;
use tetrarch_storage::{Direction, Reader, StoreError, Table};
use tetrarch_types::encode;

use crate::tables::{Overlay, fixed, row, value};

/// Revision → [`Events`].
pub(in crate::store) const EVENTS: Table = Table::new("kv.events");

/// All that happened at one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Events {
    /// The chain up to the revision before: the row behind it, or `kv.meta`, has the one with this revision.
    pub(in crate::store) before: Digest,
    /// One for each key that changed, in the order in which they did.
    pub(in crate::store) events: Vec<Event>,
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Event {
    #[serde(with = "serde_bytes")]
    pub(in crate::store) key: Vec<u8>,
    /// Whether it was put; if not, it was deleted.
    pub(in crate::store) is_put: bool,
    /// What was there before.
    pub(in crate::store) previous: Option<Previous>,
}

/// A record that ended with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Previous {
    pub(in crate::store) digest: Digest,
    /// The bytes of its row in the history.
    pub(in crate::store) bytes: u64,
}

/// Writes down a revision's events; the row's bytes.
pub(in crate::store) fn put(state: &mut Overlay<'_>, revision: u64, events: &Events) -> u64 {
    let value = encode(events);
    let bytes = row_bytes(&value);
    state.put(EVENTS, revision.to_be_bytes(), value);
    bytes
}

/// A revision's events, if it has any that are kept.
pub(in crate::store) fn read(state: &dyn Reader, revision: u64) -> Result<Option<Events>, StoreError> {
    row(state, EVENTS, &revision.to_be_bytes())
}

/// Forgets a revision's events; the row's bytes.
pub(in crate::store) fn delete(state: &mut Overlay<'_>, revision: u64) -> Result<u64, StoreError> {
    let bytes = state.get(EVENTS, &revision.to_be_bytes())?.map_or(0, |value| row_bytes(&value));
    state.delete(EVENTS, revision.to_be_bytes());
    Ok(bytes)
}

/// The rows from a revision on, so many at most.
pub(in crate::store) fn from(
    state: &dyn Reader,
    revision: u64,
    limit: usize,
) -> Result<Vec<(u64, Events)>, StoreError> {
    let rows = state.scan(EVENTS, &revision.to_be_bytes(), &[], Direction::Ascending, limit)?;
    rows.iter().map(|(key, bytes)| Ok((u64::from_be_bytes(fixed(EVENTS, key)?), value(EVENTS, bytes)?))).collect()
}

const fn row_bytes(value: &[u8]) -> u64 {
    size_of::<u64>() as u64 + value.len() as u64
}
