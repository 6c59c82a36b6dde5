//! What changed since the tree was last folded.

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Path, value_digest};
use tetrarch_storage::{Pair, StoreError, Table, WriteBatch};
use tetrarch_types::encode;

use super::pages::{CHANGED, path_of};
use crate::tables::Overlay;
use crate::tables::value;

/// A row that changed.
pub(super) struct Change {
    pub(super) path: Path,
    pub(super) table: String,
    pub(super) key: Vec<u8>,
    /// The digest of its value; none if it is gone.
    pub(super) value: Option<Digest>,
}

impl Change {
    /// Reads a row of [`CHANGED`].
    pub(super) fn read((path, bytes): &Pair) -> Result<Self, StoreError> {
        let (table, key, digest) = value(CHANGED, bytes)?;
        Ok(Self { path: path_of(CHANGED, path)?, table, key, value: digest })
    }
}

/// A row of [`CHANGED`] for a row that has this value now, or is gone.
pub(super) fn changed(table: Table, key: &[u8], value: Option<&[u8]>) -> Pair {
    let path = Path::of(table.name(), key);
    (path.as_bytes().to_vec(), encode(&(table.name(), key, value.map(value_digest))))
}

/// Writes down what has to be folded into the tree for one row that is written by itself.
pub fn note_in(batch: &mut WriteBatch, table: Table, key: &[u8], value: Option<&[u8]>) {
    let (path, change) = changed(table, key, value);
    batch.put(CHANGED, path, change);
}

/// Writes down, beside the overlay's changes of rooted tables, what has to be folded into the tree for them.
///
/// Once for each batch, behind everything that changes rooted rows and before the changes are taken. Errors are kept as the
/// overlay's failure.
pub fn note(state: &mut Overlay<'_>, rooted: &[Table]) {
    for table in rooted {
        let changes = state.layers(*table).1.into_iter().flatten();
        let rows: Vec<Pair> = changes.map(|(key, value)| changed(*table, key, value.as_deref())).collect();
        for (path, change) in rows {
            state.put(CHANGED, path, change);
        }
    }
}
