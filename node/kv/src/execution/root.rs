//! One digest for the whole replicated state.

use tetrarch_crypto::{Digest, Domain};
use tetrarch_storage::{Direction, Reader, StoreError, Table};

use super::rows::behind;

/// Entries hashed together. Part of the root's definition. Small, because an entry can have a megabyte and more.
const PAGE: usize = 16;

/// The root over every entry of the tables, in the order given and each in the order of its keys.
///
/// A chain of digests, so that no more than a page is in memory: each covers the one before it, the table's name, and the next
/// sixteen keys with their values. O(n) in the size of the state, and without proofs: the first form, to be replaced.
pub(super) fn state_root(reader: &dyn Reader, tables: &[Table]) -> Result<Digest, StoreError> {
    tables.iter().try_fold(Digest::ZERO, |root, table| with_table(root, reader, *table))
}

fn with_table(mut root: Digest, reader: &dyn Reader, table: Table) -> Result<Digest, StoreError> {
    let mut from = Vec::new();
    loop {
        let page = reader.scan(table, &from, &[], Direction::Ascending, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(root) };
        from = behind(last);
        let mut parts: Vec<&[u8]> = vec![root.as_bytes(), table.name().as_bytes()];
        parts.extend(page.iter().flat_map(|(key, value)| [key.as_slice(), value.as_slice()]));
        root = Digest::of(Domain::StateRoot, &parts);
    }
}
