//! Snapshots of tables in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::change::Change;
use crate::store::{Direction, Pair, Reader};
use crate::tables::Tables;
use crate::{Operation, StoreError, Table};

/// Tables as they once were. Only simulated bit rot changes them, and those who hold them see it.
#[derive(Debug)]
struct Frozen(RwLock<Tables>);

impl Frozen {
    fn new(tables: Tables) -> Arc<Self> {
        Arc::new(Self(RwLock::new(tables)))
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn modify(&self) -> RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A view of these tables: see [`Store::view`](crate::Store::view).
pub(crate) fn view(tables: &Tables) -> Box<dyn Reader> {
    Box::new(Frozen::new(tables.clone()))
}

impl Reader for Frozen {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read().get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.read().scan(table, from, to, direction, limit)
    }
}

/// Snapshots by their numbers.
#[derive(Default, Debug)]
pub(crate) struct Snapshots(BTreeMap<u64, Arc<Frozen>>);

impl Snapshots {
    /// Keeps `tables` under `number`, unless there is a snapshot of that number.
    pub(crate) fn take(&mut self, number: u64, tables: &Tables) {
        self.0.entry(number).or_insert_with(|| Frozen::new(tables.clone()));
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.0.keys().copied().collect()
    }

    pub(crate) fn open(&self, number: u64) -> Option<Arc<dyn Reader + Send + Sync>> {
        let frozen = Arc::clone(self.0.get(&number)?);
        Some(frozen)
    }

    pub(crate) fn remove(&mut self, number: u64) {
        self.0.remove(&number);
    }

    /// Flips the lowest bit of a byte of a value. Whether there was such a byte.
    pub(crate) fn corrupt(&self, number: u64, table: Table, key: &[u8], at_byte: usize) -> bool {
        let Some(frozen) = self.0.get(&number) else { return false };
        let mut tables = frozen.modify();
        let Some(byte) = tables.get_mut(table, key).and_then(|value| value.get_mut(at_byte)) else { return false };
        *byte ^= 1;
        true
    }

    /// Makes a row unreadable. Whether there was one.
    pub(crate) fn rot(&self, number: u64, table: Table, key: &[u8]) -> bool {
        self.0.get(&number).is_some_and(|frozen| frozen.modify().rot(table, key))
    }

    /// Puts a value at another key's place, and nothing at its own. Whether both keys were there.
    pub(crate) fn misdirect(&self, number: u64, table: Table, from: &[u8], to: &[u8]) -> bool {
        let Some(frozen) = self.0.get(&number) else { return false };
        let mut tables = frozen.modify();
        let Ok(Some(value)) = tables.get(table, from) else { return false };
        if !tables.holds(table, to) {
            return false;
        }
        let (from, key) = (from.to_vec(), to.to_vec());
        let moved = [Operation::Put { table, key, value }, Operation::Delete { table, key: from }];
        tables.apply(&moved.map(Change::from));
        true
    }
}

impl Clone for Snapshots {
    /// A deep copy: what rots in one does not rot in the other.
    fn clone(&self) -> Self {
        Self(self.0.iter().map(|(number, frozen)| (*number, Frozen::new(frozen.read().clone()))).collect())
    }
}
