//! A store that lives and dies with the process.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::change::Change;
use crate::frozen::{self, Snapshots};
use crate::store::{Direction, Durability, Pair, Reader, Store};
use crate::tables::Tables;
use crate::{StoreError, Table, WriteBatch};

/// Tables in memory. Never fails, knows every table, and takes both durabilities for the same. A clone is a deep copy,
/// snapshots included, taken between two writes.
#[derive(Default, Debug)]
pub struct MemoryStore {
    content: RwLock<Content>,
}

#[derive(Clone, Default, Debug)]
struct Content {
    tables: Tables,
    snapshots: Snapshots,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn modify(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self { content: RwLock::new(self.read().clone()) }
    }
}

impl Reader for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read().tables.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.read().tables.scan(table, from, to, direction, limit)
    }
}

impl Store for MemoryStore {
    fn write(&self, batch: WriteBatch, _durability: Durability) -> Result<(), StoreError> {
        let changes = Change::all(batch);
        self.modify().tables.apply(&changes);
        Ok(())
    }

    fn take_snapshot(&self, number: u64) -> Result<(), StoreError> {
        let content = &mut *self.modify();
        content.snapshots.take(number, &content.tables);
        Ok(())
    }

    fn snapshots(&self) -> Result<Vec<u64>, StoreError> {
        Ok(self.read().snapshots.numbers())
    }

    fn snapshot(&self, number: u64) -> Result<Option<Arc<dyn Reader + Send + Sync>>, StoreError> {
        Ok(self.read().snapshots.open(number))
    }

    fn remove_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.modify().snapshots.remove(number);
        Ok(())
    }

    fn view(&self) -> Box<dyn Reader + '_> {
        frozen::view(&self.read().tables)
    }

    fn stored_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.read().tables.size())
    }
}
