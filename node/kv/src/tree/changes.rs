//! What changed since the tree was last folded: a list for each batch, as rows of [`CHANGED`].
//!
//! Lists, and not a row for each change: what a batch changed is written, read and removed with a few rows of some kilobytes, and sorted
//! in memory when it is folded, which takes a tenth of what keeping thousands of small rows in order takes the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_bytes::{ByteArray, ByteBuf, Bytes};
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Path, value_digest};
use tetrarch_storage::{Direction, Pair, Reader, StoreError, Table, WriteBatch};
use tetrarch_types::{SeqNum, encode};

use super::pages::CHANGED;
use crate::tables::Overlay;
use crate::tables::{behind, part_key, part_of, value};

/// A list ends with the change that brings it to these bytes, about: a thousand changes, as keys usually are.
const LIST_BYTES: usize = 128 * 1024;

/// What a change takes of a list beside its key.
const CHANGE_BYTES: usize = 70;

/// Lists read at a time.
const LISTS: usize = 16;

/// Which list: the batch whose changes it has, and which of that batch's lists. Never the same one twice, so that the store keeps no older
/// versions of a row that it would have to pass over.
pub(super) type Number = (SeqNum, u32);

/// A row that changed.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) path: Path,
    pub(super) table: Arc<str>,
    pub(super) key: Vec<u8>,
    /// The digest of its value; none if it is gone.
    pub(super) value: Option<Digest>,
}

impl Change {
    /// That a row has this value now.
    pub(super) fn to(table: &Arc<str>, key: Vec<u8>, value: &[u8]) -> Self {
        let path = Path::of(table, &key);
        Self { path, table: Arc::clone(table), key, value: Some(value_digest(value)) }
    }
}

/// A change as a list of its table has it: path, key, digest of the value.
type Listed = (ByteArray<32>, ByteBuf, Option<ByteArray<32>>);

/// The same, while it is written down.
type Noted<'n> = (ByteArray<32>, &'n Bytes, Option<ByteArray<32>>);

/// A list in the making, table by table.
#[derive(Default)]
struct List<'n> {
    tables: Vec<(&'static str, Vec<Noted<'n>>)>,
    bytes: usize,
}

impl<'n> List<'n> {
    fn add(&mut self, table: Table, key: &'n [u8], value: Option<&[u8]>) {
        let name = table.name();
        let path = ByteArray::new(*Path::of(name, key).as_bytes());
        let noted = (path, Bytes::new(key), value.map(|value| ByteArray::new(*value_digest(value).as_bytes())));
        match self.tables.last_mut() {
            Some((last, list)) if *last == name => list.push(noted),
            _ => self.tables.push((name, vec![noted])),
        }
        self.bytes += key.len() + CHANGE_BYTES;
    }

    /// As it is stored, if there is anything in it; what follows begins another one.
    fn finish(&mut self) -> Option<Vec<u8>> {
        let List { tables, .. } = std::mem::take(self);
        (!tables.is_empty()).then(|| encode(&tables))
    }
}

/// Reads a row of [`CHANGED`].
pub(super) fn read((key, bytes): &Pair) -> Result<Vec<Change>, StoreError> {
    number_of(key)?;
    let tables: Vec<(String, Vec<Listed>)> = value(CHANGED, bytes)?;
    let mut changes = Vec::with_capacity(tables.iter().map(|(_, list)| list.len()).sum());
    for (table, list) in tables {
        let table: Arc<str> = table.into();
        changes.extend(list.into_iter().map(|(path, key, value)| Change {
            path: Path::from_bytes(path.into_array()),
            table: Arc::clone(&table),
            key: key.into_vec(),
            value: value.map(|digest| Digest::from_bytes(digest.into_array())),
        }));
    }
    Ok(changes)
}

/// A few lists, the oldest first, from this key on.
pub(super) fn lists(reader: &dyn Reader, from: &[u8]) -> Result<Vec<Pair>, StoreError> {
    reader.scan(CHANGED, from, &[], Direction::Ascending, LISTS)
}

/// The last change of each row, ascending by path, of changes in the order in which they came.
pub(super) fn latest(mut changes: Vec<Change>) -> Vec<Change> {
    changes.reverse();
    changes.sort_by_key(|change| change.path);
    changes.dedup_by_key(|change| change.path);
    changes
}

/// Writes down what has to be folded into the tree for the rows that a chain begins with, in a store without any list.
pub fn note_first(batch: &mut WriteBatch, rows: &[(Table, &[u8], &[u8])]) {
    let mut list = List::default();
    rows.iter().for_each(|(table, key, value)| list.add(*table, key, Some(value)));
    list.finish().into_iter().for_each(|list| batch.put(CHANGED, part_key(SeqNum::ZERO, 0), list));
}

/// Writes down, beside the overlay's changes of rooted tables, what has to be folded into the tree for them; how many rows that are.
///
/// Once for each batch, behind everything that changes rooted rows and before the changes are taken. Errors are kept as the
/// overlay's failure.
pub fn note(state: &mut Overlay<'_>, rooted: &[Table], batch: SeqNum) -> usize {
    let lists = changed(state, rooted);
    (0..).zip(lists).for_each(|(part, list)| state.put(CHANGED, part_key(batch, part), list));
    rooted.iter().filter_map(|table| state.layers(*table).1).map(BTreeMap::len).sum()
}

fn changed(state: &Overlay<'_>, rooted: &[Table]) -> Vec<Vec<u8>> {
    let (mut lists, mut list) = (Vec::new(), List::default());
    for table in rooted {
        for (key, value) in state.layers(*table).1.into_iter().flatten() {
            list.add(*table, key, value.as_deref());
            if list.bytes >= LIST_BYTES {
                lists.extend(list.finish());
            }
        }
    }
    lists.extend(list.finish());
    lists
}

/// The number of a list, by its key.
pub(super) fn number_of(key: &[u8]) -> Result<Number, StoreError> {
    part_of(CHANGED, key)
}

/// How many rows changed since the tree was last folded.
///
/// # Errors
/// If a list cannot be read.
pub fn changed_rows(reader: &dyn Reader) -> Result<u64, StoreError> {
    let (mut paths, mut from) = (BTreeSet::new(), Vec::new());
    loop {
        let rows = lists(reader, &from)?;
        let Some((last, _)) = rows.last() else { return Ok(paths.len() as u64) };
        from = behind(last);
        for row in &rows {
            paths.extend(read(row)?.iter().map(|change| change.path));
        }
    }
}
