//! How much is read.

use std::cell::Cell;

use tetrarch_storage::{Direction, MemoryStore, Pair, Reader, StoreError, Table};

/// Counts the rows that are read, and their bytes.
pub(crate) struct Counting<'s> {
    store: &'s MemoryStore,
    pub(crate) rows: Cell<usize>,
    pub(crate) bytes: Cell<usize>,
}

impl<'s> Counting<'s> {
    pub(crate) const fn over(store: &'s MemoryStore) -> Self {
        Self { store, rows: Cell::new(0), bytes: Cell::new(0) }
    }

    fn saw(&self, bytes: usize) {
        self.rows.set(self.rows.get() + 1);
        self.bytes.set(self.bytes.get() + bytes);
    }
}

impl Reader for Counting<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.store.get(table, key)?;
        self.saw(key.len() + found.as_ref().map_or(0, Vec::len));
        Ok(found)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let found = self.store.scan(table, from, to, direction, limit)?;
        found.iter().for_each(|(key, value)| self.saw(key.len() + value.len()));
        Ok(found)
    }
}
