//! The tree's own tables, and typed rows in them.

use tetrarch_crypto::state_tree::{Page, Path, Prefix};
use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::encode;

use crate::tables::Overlay;
use crate::tables::{corrupt, row, value};

/// Nibbles of a place → the [`Page`] that hangs there.
pub const PAGES: Table = Table::new("execution.tree");
/// Path of a leaf → its row's table and key.
pub const PATHS: Table = Table::new("execution.paths");
/// Batch, part → a list of rows that changed with it: path, table, key, and the digest of the new value, none if it is gone. Only those of
/// batches since the tree was last folded. Later lists count more.
pub const CHANGED: Table = Table::new("execution.changed");

/// The tables that the tree is kept in.
pub const TABLES: [Table; 3] = [PAGES, PATHS, CHANGED];

/// A row's table, by name, and key.
pub(super) type Owner = (String, Vec<u8>);

/// The page at a place, if one is there.
pub(super) fn page(reader: &dyn Reader, place: &Prefix) -> Result<Option<Page>, StoreError> {
    let read = |bytes: Vec<u8>| Page::from_bytes(&bytes).ok_or_else(|| corrupt(PAGES, "it is no page"));
    reader.get(PAGES, place.nibbles())?.map(read).transpose()
}

/// The page at a place where the one above says that there is one.
pub(super) fn page_due(reader: &dyn Reader, place: &Prefix) -> Result<Page, StoreError> {
    page(reader, place)?.ok_or_else(|| damaged(format!("The state tree's page at {place}"), "it is missing"))
}

/// Which row's leaf hangs at a path.
pub(super) fn owner(reader: &dyn Reader, path: &Path) -> Result<Option<Owner>, StoreError> {
    row(reader, PATHS, path.as_bytes())
}

/// Reads a row of [`PATHS`].
pub(super) fn owner_of(bytes: &[u8]) -> Result<Owner, StoreError> {
    value(PATHS, bytes)
}

/// Says which row's leaf hangs at a path.
pub(super) fn own(state: &mut Overlay<'_>, path: &Path, table: &str, key: &[u8]) {
    state.put(PATHS, *path.as_bytes(), encode(&(table, key)));
}

/// Reads the key of a row of [`PATHS`].
pub(super) fn path_of(table: Table, key: &[u8]) -> Result<Path, StoreError> {
    let bytes = key.try_into().map_err(|_| {
        damaged(format!("A key of the table {:?}", table.name()), &format!("it has {} bytes, not 32", key.len()))
    })?;
    Ok(Path::from_bytes(bytes))
}

/// The rooted table with this name.
pub(super) fn named(rooted: &[Table], name: &str) -> Option<Table> {
    rooted.iter().copied().find(|table| table.name() == name)
}

/// The place at which the first `len` nibbles of a path end.
pub(super) fn place_on(path: &Path, len: usize) -> Prefix {
    Prefix::new((0..len).map(|depth| path.nibble(depth)).collect()).unwrap_or_default()
}

/// The error for what was not written like this.
pub(super) fn damaged(place: String, reason: &str) -> StoreError {
    StoreError::Corrupt { place, reason: reason.to_owned() }
}
