//! What the tree's topics and the transfer's need: rows in stores, and roots worked out in other ways.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tetrarch_crypto::state_tree::{Branch, Leaf, Path, Prefix, value_digest};
use tetrarch_crypto::{Digest, Domain};
use tetrarch_kv::Overlay;
use tetrarch_kv::tree::{CHANGED, TABLES, fold, note};
use tetrarch_storage::{Direction, Durability, MemoryStore, Pair, Reader, Store, StoreError, Table};
use tetrarch_types::SeqNum;

pub(crate) const A: Table = Table::new("kv.records");
pub(crate) const B: Table = Table::new("kv.events");
pub(crate) const ROOTED: [Table; 2] = [A, B];
pub(crate) const ALL: [Table; 5] = [A, B, TABLES[0], TABLES[1], TABLES[2]];

pub(crate) type Key = (Table, Vec<u8>);
/// A state: what its rows are.
pub(crate) type Rows = BTreeMap<Key, Vec<u8>>;
/// Rows set, and rows removed.
pub(crate) type Changes = Vec<(Key, Option<Vec<u8>>)>;

pub(crate) fn number(number: u32) -> Key {
    (ROOTED[number as usize % 2], number.to_be_bytes().to_vec())
}

/// Many rows, with small values that differ.
pub(crate) fn many(count: u32) -> Rows {
    (0..count).map(|it| (number(it), vec![it as u8; it as usize % 40])).collect()
}

/// One batch's changes, in one write.
pub(crate) fn change(store: &dyn Store, changes: &Changes) {
    let mut state = Overlay::new(store, &ALL);
    for ((table, key), value) in changes {
        match value {
            Some(value) => state.put(*table, key.clone(), value.clone()),
            None => state.delete(*table, key.clone()),
        }
    }
    // As if these lists were of the batches before.
    let batch = SeqNum::new(dump(&state, CHANGED).len() as u64);
    note(&mut state, &ROOTED, batch);
    store.write(state.into_batch().unwrap(), Durability::Buffered).unwrap();
}

/// Folds, as a checkpoint does.
pub(crate) fn folded(store: &dyn Store) -> Digest {
    let mut state = Overlay::new(store, &ALL);
    let root = fold(&mut state).unwrap();
    store.write(state.into_batch().unwrap(), Durability::Buffered).unwrap();
    root
}

pub(crate) fn fill(store: &dyn Store, rows: &Rows) -> Digest {
    change(store, &rows.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect());
    folded(store)
}

pub(crate) fn store_of(rows: &Rows) -> MemoryStore {
    let store = MemoryStore::new();
    fill(&store, rows);
    store
}

pub(crate) fn apply(rows: &mut Rows, changes: &Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => rows.insert(key.clone(), value.clone()),
            None => rows.remove(key),
        };
    }
}

pub(crate) fn dump(reader: &dyn Reader, table: Table) -> Vec<Pair> {
    reader.scan(table, b"", b"", Direction::Ascending, usize::MAX).unwrap()
}

pub(crate) fn everything(reader: &dyn Reader) -> Vec<Vec<Pair>> {
    ALL.iter().map(|table| dump(reader, *table)).collect()
}

pub(crate) fn rows_in(reader: &dyn Reader) -> Rows {
    let rows = ROOTED.iter().flat_map(|table| dump(reader, *table).into_iter().map(|row| (*table, row)));
    rows.map(|(table, (key, value))| ((table, key), value)).collect()
}

/// Every place with a page.
pub(crate) fn places(reader: &dyn Reader) -> Vec<Prefix> {
    dump(reader, TABLES[0]).into_iter().map(|(nibbles, _)| Prefix::new(nibbles).unwrap()).collect()
}

pub(crate) fn leaves(rows: &Rows) -> Vec<Leaf> {
    let leaf = |((table, key), value): (&Key, &Vec<u8>)| (Path::of(table.name(), key), value_digest(value));
    rows.iter().map(leaf).collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// The root as the tree's own crate has it.
pub(crate) fn root_of(rows: &Rows) -> Digest {
    Branch::over(&leaves(rows), 0).digest()
}

/// The root once more, from the definition: bit by bit, and with nothing but digests.
pub(crate) fn root_by_definition(rows: &Rows) -> Digest {
    let leaf = |((table, key), value): (&Key, &Vec<u8>)| {
        let path = Digest::of(Domain::StatePath, &[table.name().as_bytes(), key]);
        (*path.as_bytes(), *Digest::of(Domain::StateValue, &[value]).as_bytes())
    };
    hashed(&rows.iter().map(leaf).collect::<Vec<_>>(), 0)
}

fn hashed(leaves: &[([u8; 32], [u8; 32])], depth: usize) -> Digest {
    match leaves {
        [] => Digest::ZERO,
        [(path, value)] => Digest::of(Domain::StateLeaf, &[path, value]),
        _ => {
            let is_right = |path: &[u8; 32]| path[depth / 8] & (128 >> (depth % 8)) != 0;
            let (right, left): (Vec<_>, Vec<_>) = leaves.iter().partition(|(path, _)| is_right(path));
            let (left, right) = (hashed(&left, depth + 1), hashed(&right, depth + 1));
            Digest::of(Domain::StateNode, &[left.as_bytes(), right.as_bytes()])
        }
    }
}

/// A few keys, so that changes meet.
pub(crate) fn changes(keys: u32, most: usize) -> impl Strategy<Value = Changes> {
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40));
    prop::collection::vec(((0..keys).prop_map(number), value), 0..most)
}

/// A store with rows that cannot be read: every read that needs one fails.
#[derive(Default)]
pub(crate) struct Rotten {
    pub(crate) store: MemoryStore,
    pub(crate) rotten: BTreeSet<Key>,
}

impl Rotten {
    fn error(&self) -> StoreError {
        StoreError::Corrupt { place: "A block".to_owned(), reason: "its checksum does not match".to_owned() }
    }
}

impl Reader for Rotten {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if self.rotten.contains(&(table, key.to_vec())) { Err(self.error()) } else { self.store.get(table, key) }
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let rows = self.store.scan(table, from, to, direction, limit)?;
        let is_rotten = rows.iter().any(|(key, _)| self.rotten.contains(&(table, key.clone())));
        if is_rotten { Err(self.error()) } else { Ok(rows) }
    }
}

impl Store for Rotten {
    fn write(&self, batch: tetrarch_storage::WriteBatch, durability: Durability) -> Result<(), StoreError> {
        self.store.write(batch, durability)
    }

    fn view(&self) -> Box<dyn Reader + '_> {
        Box::new(self)
    }

    fn take_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.store.take_snapshot(number)
    }

    fn snapshots(&self) -> Result<Vec<u64>, StoreError> {
        self.store.snapshots()
    }

    fn snapshot(&self, number: u64) -> Result<Option<std::sync::Arc<dyn Reader + Send + Sync>>, StoreError> {
        self.store.snapshot(number)
    }

    fn remove_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.store.remove_snapshot(number)
    }

    fn stored_bytes(&self) -> Result<u64, StoreError> {
        self.store.stored_bytes()
    }
}
