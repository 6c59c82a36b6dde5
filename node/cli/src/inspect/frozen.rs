//! A node's state that is looked at and cannot be changed.

use std::path::PathBuf;
use std::sync::Arc;

use tetrarch_kv::{Execution, KvMachine, OpenError, Retention};
use tetrarch_storage::{
    Direction, Durability, Pair, Reader, RocksReader, RocksStore, Store, StoreError, Table, WriteBatch,
};
use tetrarch_types::Membership;

/// The state over a database that is only read.
pub(crate) type State = Execution<KvMachine, Arc<Frozen>>;

/// A database and its snapshots, as a store that refuses every change.
pub(crate) struct Frozen {
    reader: RocksReader,
    snapshots: PathBuf,
}

impl Frozen {
    /// The database that `reader` has open, whose snapshots are in this directory.
    pub(crate) fn new(reader: RocksReader, snapshots: PathBuf) -> Arc<Self> {
        Arc::new(Self { reader, snapshots })
    }

    /// One of its snapshots, as a store of its own.
    ///
    /// # Errors
    /// If its files are damaged or missing.
    pub(crate) fn open_snapshot(&self, number: u64) -> Result<Arc<Self>, StoreError> {
        let reader = RocksStore::open_read_only(&self.snapshots.join(format!("{number:020}")))?;
        Ok(Self::new(reader, self.snapshots.clone()))
    }

    /// The state in it.
    ///
    /// # Errors
    /// If it holds none, or that of another chain or version.
    pub(crate) fn state(self: &Arc<Self>, membership: &Membership) -> Result<State, OpenError> {
        Execution::open(KvMachine, Arc::clone(self), membership, Retention::default())
    }

    /// Rows of a table, and the bytes of their keys and values. Reads all of it.
    ///
    /// # Errors
    /// If a row cannot be read, or there is no such table.
    pub(crate) fn size(&self, table: Table) -> Result<(u64, u64), StoreError> {
        let mut bytes = 0_u64;
        let rows = self.reader.scan_all(table.name(), &mut |key, value| bytes += (key.len() + value.len()) as u64)?;
        Ok((rows, bytes))
    }
}

impl Reader for Frozen {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reader.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.reader.scan(table, from, to, direction, limit)
    }
}

impl Store for Frozen {
    fn write(&self, _: WriteBatch, _: Durability) -> Result<(), StoreError> {
        Err(refused())
    }

    fn view(&self) -> Box<dyn Reader + '_> {
        Box::new(self)
    }

    fn take_snapshot(&self, _: u64) -> Result<(), StoreError> {
        Err(refused())
    }

    fn snapshots(&self) -> Result<Vec<u64>, StoreError> {
        let Ok(entries) = std::fs::read_dir(&self.snapshots) else { return Ok(Vec::new()) };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut numbers: Vec<u64> =
            names.filter_map(|name| if name.len() == 20 { name.parse().ok() } else { None }).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn snapshot(&self, number: u64) -> Result<Option<Arc<dyn Reader + Send + Sync>>, StoreError> {
        if self.snapshots()?.contains(&number) { Ok(Some(self.open_snapshot(number)?)) } else { Ok(None) }
    }

    fn remove_snapshot(&self, _: u64) -> Result<(), StoreError> {
        Err(refused())
    }

    fn stored_bytes(&self) -> Result<u64, StoreError> {
        self.reader.stored_bytes()
    }
}

fn refused() -> StoreError {
    let reason = "it was opened to be looked at".to_owned();
    StoreError::Denied { doing: "Changing the database".into(), reason }
}
