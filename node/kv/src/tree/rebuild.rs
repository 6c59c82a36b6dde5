//! Building the tree anew from the rows.
//!
//! Some thousands of rows at a time are hashed, sorted by their paths and folded in, each time in one write. No step takes more than
//! tens of megabytes, however many rows there are.

use std::sync::Arc;

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_storage::{Durability, Store, StoreError, Table, WriteBatch};
use tetrarch_types::limits;

use super::changes::{Change, latest};
use super::damage::{Damage, DamageKind};
use super::fold::fold_in;
use super::look::root;
use super::pages::{CHANGED, PAGES, PATHS, TABLES};
use super::scan::{Piece, scan};
use crate::tables::Overlay;

/// Rows in one write. Many, because most of them have pages of their own to be written, and share those above.
const STEP: usize = 8_192;

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
    let mut rows = Vec::with_capacity(STEP);
    for table in rooted {
        list(store, *table, &mut rows, lost)?;
    }
    fold_rows(store, rows)?;
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

/// Reads every row of a table, and folds them in as soon as there are enough.
fn list(
    store: &dyn Store,
    table: Table,
    rows: &mut Vec<Change>,
    lost: &mut dyn FnMut(Damage),
) -> Result<(), StoreError> {
    let name: Arc<str> = table.name().into();
    scan(store, table, &mut |piece| {
        match piece {
            Piece::Rows(read) => rows.extend(read.into_iter().map(|(key, value)| Change::to(&name, key, &value))),
            Piece::Gap { from, to, reason } => lost(drop_gap(store, table, from, to, reason)?),
        }
        if rows.len() < STEP { Ok(()) } else { fold_rows(store, std::mem::take(rows)) }
    })
}

fn fold_rows(store: &dyn Store, rows: Vec<Change>) -> Result<(), StoreError> {
    let mut state = Overlay::new(store, &TABLES);
    fold_in(&mut state, &latest(rows))?;
    store.write(state.into_batch()?, Durability::Buffered)
}

fn drop_gap(store: &dyn Store, table: Table, from: Vec<u8>, to: Vec<u8>, reason: String) -> Result<Damage, StoreError> {
    let mut batch = WriteBatch::new();
    // A range needs an end, and no key is as long as this one.
    let end = if to.is_empty() { vec![u8::MAX; limits::MAX_COMMAND_BYTES + 1] } else { to.clone() };
    batch.delete_range(table, from.clone(), end);
    store.write(batch, Durability::Buffered)?;
    Ok(Damage { place: Prefix::ROOT, table, keys: Some((from, to)), kind: DamageKind::Unreadable(reason) })
}
