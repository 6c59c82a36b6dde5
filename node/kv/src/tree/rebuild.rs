//! Building the tree anew from the rows.
//!
//! The rows come in the order of their keys, the tree wants them in that of their paths: the list of changes sorts them, in the
//! store, and folding it in that order writes each page about once. No step takes more than tens of megabytes, however many rows
//! there are.

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_storage::{Durability, Pair, Store, StoreError, Table, WriteBatch};
use tetrarch_types::limits;

use super::changes::changed;
use super::damage::{Damage, DamageKind};
use super::fold::fold_from;
use super::look::root;
use super::pages::{CHANGED, PAGES, PATHS, TABLES};
use super::scan::{Piece, scan};
use crate::tables::Overlay;

/// Changes in one write.
const STEP: usize = 4_096;

/// Forgets the tree, and builds it from those rows of the rooted tables that can be read; its root.
///
/// Rows that cannot be read leave their tables and are told to `lost`: the tree would not know them, and a fetch that follows could not
/// tell that they are there. In many writes, none of them synced: until it is done the tree is of no use, so whoever calls keeps a
/// durable note, and calls again after a crash.
///
/// # Errors
/// What the store says, except that a row is damaged.
pub fn rebuild(store: &dyn Store, rooted: &[Table], lost: &mut dyn FnMut(Damage)) -> Result<Digest, StoreError> {
    forget(store)?;
    for table in rooted {
        list(store, *table, lost)?;
    }
    let mut from = Some(Vec::new());
    while let Some(next) = from {
        let mut state = Overlay::new(store, &TABLES);
        from = fold_from(&mut state, &next, STEP)?;
        store.write(state.into_batch()?, Durability::Buffered)?;
    }
    root(store)
}

/// Empties the tree's tables.
fn forget(store: &dyn Store) -> Result<(), StoreError> {
    let mut batch = WriteBatch::new();
    // No nibble is as large as 16, and no path is longer than 32 bytes.
    batch.delete_range(PAGES, [], [16]);
    batch.delete_range(PATHS, [], [u8::MAX; 33]);
    batch.delete_range(CHANGED, [], [u8::MAX; 33]);
    store.write(batch, Durability::Buffered)
}

/// Lists every row of a table as changed.
fn list(store: &dyn Store, table: Table, lost: &mut dyn FnMut(Damage)) -> Result<(), StoreError> {
    let mut batch = WriteBatch::new();
    scan(store, table, &mut |piece| {
        match piece {
            Piece::Rows(rows) => enlist(&mut batch, table, &rows),
            Piece::Gap { from, to, reason } => lost(drop_gap(&mut batch, table, from, to, reason)),
        }
        if batch.len() < STEP {
            return Ok(());
        }
        store.write(std::mem::take(&mut batch), Durability::Buffered)
    })?;
    store.write(batch, Durability::Buffered)
}

fn enlist(batch: &mut WriteBatch, table: Table, rows: &[Pair]) {
    for (key, value) in rows {
        let (path, change) = changed(table, key, Some(value));
        batch.put(CHANGED, path, change);
    }
}

fn drop_gap(batch: &mut WriteBatch, table: Table, from: Vec<u8>, to: Vec<u8>, reason: String) -> Damage {
    // A range needs an end, and no key is as long as this one.
    let end = if to.is_empty() { vec![u8::MAX; limits::MAX_COMMAND_BYTES + 1] } else { to.clone() };
    batch.delete_range(table, from.clone(), end);
    Damage { place: Prefix::ROOT, table, keys: Some((from, to)), kind: DamageKind::Unreadable(reason) }
}
