//! The indexes over the rooted rows: kept in step while rows are installed, built anew, checked.
//!
//! ```text
//!   SENDERS  key → sender             IDLE     last use, key → nothing
//!   REPLIES  batch, part → replies    ANSWERS  id, place → nothing
//!                                     NONCES   sender, nonce, place → id
//!   and what the machine has of its own (StateMachine::indexes)
//! ```
//!
//! A rooted row makes its index rows due by itself, and no two rows the same ones. So the order in which rows come and go does not
//! matter, and an index is right exactly if every row that is due is there and there are no more of them.

use tetrarch_storage::{Durability, Reader, Store, StoreError, Table, WriteBatch};

use super::replies::{self, PARTS_PAGE};
use super::rows::{IDLE, INDEXES, REPLIES, SENDERS, empty};
use super::senders::{self, SENDERS_PAGE};
use super::{IndexRow, StateMachine};
use crate::tables::Overlay;
use crate::tables::{for_each_row, unless_damaged};
use crate::tree::RowChange;

/// Index rows in memory at a time, when they are counted.
const INDEX_PAGE: usize = 4_096;

/// Index rows written in one step of a rebuild, about.
const STEP: usize = 4_096;

/// How many rows of a machine's table are in memory at a time: each may have a megabyte and more.
const MACHINE_PAGE: usize = 8;

/// The rooted tables with indexes, and how many of their rows are in memory at a time.
fn indexed<M: StateMachine>(machine: &M) -> Vec<(Table, usize)> {
    let mut tables = vec![(SENDERS, SENDERS_PAGE), (REPLIES, PARTS_PAGE)];
    for index in machine.indexes() {
        if !tables.contains(&(index.over, MACHINE_PAGE)) {
            tables.push((index.over, MACHINE_PAGE));
        }
    }
    tables
}

/// All indexes.
pub(super) fn indexes<M: StateMachine>(machine: &M) -> Vec<Table> {
    machine.indexes().iter().map(|index| index.table).chain(INDEXES).collect()
}

/// Keeps the indexes in step with a row of any rooted table that an installation changes. Whoever calls this writes the row itself.
///
/// False if the old value does not read as such a row: index rows of it may be left, and [`rebuild`] is due at the end. So it is when the
/// store could not give the old value at all.
///
/// # Errors
/// If the new one does not read as such a row; then nothing was changed.
pub(crate) fn apply<M: StateMachine>(
    machine: &M,
    state: &mut Overlay<'_>,
    change: &RowChange,
) -> Result<bool, StoreError> {
    let due = |value: &Vec<u8>| due(machine, change.table, &change.key, value);
    let added = change.new.as_ref().map(due).transpose()?.unwrap_or_default();
    let removed = unless_damaged(change.old.as_ref().map(due).transpose())?;
    let is_in_step = removed.is_some();
    for (index, key, _) in removed.flatten().unwrap_or_default() {
        state.delete(index, key);
    }
    for (index, key, value) in added {
        state.put(index, key, value);
    }
    Ok(is_in_step)
}

/// Forgets the indexes and builds them from the rooted rows, in bounded steps that are not synced.
///
/// Not atomic: in between the indexes are incomplete. It belongs behind the note of an installation, and can begin again at any
/// time.
///
/// # Errors
/// If a rooted row cannot be read, or the store cannot be written.
pub(crate) fn rebuild<M: StateMachine>(machine: &M, store: &dyn Store) -> Result<(), StoreError> {
    let mut step = WriteBatch::new();
    empty(&mut step, &indexes(machine));
    for (table, page) in indexed(machine) {
        for_each_row(store, table, page, &mut |key, bytes| {
            for (index, key, value) in due(machine, table, key, bytes)? {
                step.put(index, key, value);
            }
            if step.len() < STEP {
                return Ok(());
            }
            store.write(std::mem::take(&mut step), Durability::Buffered)
        })?;
    }
    store.write(step, Durability::Buffered)
}

/// Whether the indexes are those that the rooted rows make due, no more and no less. An index row that cannot be read is wrong.
///
/// # Errors
/// If a rooted row cannot be read.
pub(crate) fn check<M: StateMachine>(machine: &M, reader: &dyn Reader) -> Result<bool, StoreError> {
    let (mut expected, mut is_right) = (0_u64, true);
    for (table, page) in indexed(machine) {
        for_each_row(reader, table, page, &mut |key, bytes| {
            for (index, key, value) in due(machine, table, key, bytes)? {
                expected += 1;
                is_right = is_right && unless_damaged(reader.get(index, &key))? == Some(Some(value));
            }
            Ok(())
        })?;
    }
    Ok(is_right && unless_damaged(count(reader, &indexes(machine)))? == Some(expected))
}

fn count(reader: &dyn Reader, indexes: &[Table]) -> Result<u64, StoreError> {
    let mut found = 0;
    for index in indexes {
        for_each_row(reader, *index, INDEX_PAGE, &mut |_, _| {
            found += 1;
            Ok(())
        })?;
    }
    Ok(found)
}

/// The index rows that a rooted row makes due.
fn due<M: StateMachine>(machine: &M, table: Table, key: &[u8], value: &[u8]) -> Result<Vec<IndexRow>, StoreError> {
    match table {
        SENDERS => Ok(vec![(IDLE, senders::index_key(key, value)?, Vec::new())]),
        REPLIES => Ok(replies::index_rows(key, &replies::read_part(value)?)),
        _ if machine.indexes().iter().any(|index| index.over == table) => machine.index_rows(table, key, value),
        _ => Ok(Vec::new()),
    }
}
