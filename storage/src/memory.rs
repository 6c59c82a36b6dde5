//! A store that lives and dies with the process.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::store::{Direction, Durability, Pair, Reader, Store};
use crate::tables::Tables;
use crate::{StoreError, Table, WriteBatch};

/// Tables in memory. Never fails, knows every table, and takes both durabilities for the same. A clone is a deep copy, taken
/// between two writes.
#[derive(Default, Debug)]
pub struct MemoryStore {
    tables: RwLock<Tables>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn modify(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self { tables: RwLock::new(self.read().clone()) }
    }
}

impl Reader for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().get(table, key).cloned())
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        Ok(self.read().scan(table, from, to, direction, limit))
    }
}

impl Store for MemoryStore {
    fn write(&self, batch: WriteBatch, _durability: Durability) -> Result<(), StoreError> {
        self.modify().apply(batch.into_operations());
        Ok(())
    }
}
