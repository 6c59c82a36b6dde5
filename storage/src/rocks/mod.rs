//! The store on disk.

mod database;
mod errors;
mod options;
mod reader;
mod remover;
mod rows;
mod salvage;
mod snapshots;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocksdb::{Cache, DB, WriteOptions};

pub use reader::RocksReader;
pub use salvage::Loss;
use snapshots::Snapshots;

use crate::store::{Direction, Durability, Pair, Reader, Store};
use crate::{Operation, StoreError, Table, WriteBatch};

/// RocksDB in one directory, a column family a table.
///
/// Opening it brings back everything that was synced, of what was merely buffered a prefix, and writes that to disk anew, so
/// that what can be read after opening is durable. It uses some tens of megabytes: see `options.rs`. Dropping it closes the
/// database and waits for its threads; one directory can be open once at a time. Snapshots are in a directory beside it, named
/// after it with `.snapshots` added.
pub struct RocksStore {
    db: DB,
    /// All that it has, by name.
    tables: BTreeSet<String>,
    /// Shared with the snapshots.
    cache: Cache,
    snapshots: Snapshots,
    poisoned: AtomicBool,
}

impl RocksStore {
    /// Opens the database in `path`, creating the directory, the database and the tables that are missing.
    ///
    /// Tables that an earlier version left there are opened too, and can be read and written by name.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open already, [`StoreError::Denied`] without permission, [`StoreError::Full`] without
    /// space, [`StoreError::Corrupt`] if files are damaged or missing, [`StoreError::Io`] for what else the disk may say.
    pub fn open(path: &Path, tables: &[Table]) -> Result<Self, StoreError> {
        database::refuse_processor()?;
        // One spelling for one directory: that is how RocksDB knows what this process has open already.
        let path =
            database::directory(path).map_err(|error| StoreError::from_io("Opening the database in", path, &error))?;
        let cache = options::block_cache();
        let db = database::open(&path, tables.iter().map(|table| table.name().to_owned()).collect(), &cache)?;
        // Only now that nobody else has the database open.
        let snapshots = Snapshots::of(&path)?;
        let tables = database::table_names(&path)?;
        Ok(Self { db, tables, cache, snapshots, poisoned: AtomicBool::new(false) })
    }

    /// Opens the database of a stopped node to look into it, with all its tables, without changing anything.
    ///
    /// # Errors
    /// As for [`open`](Self::open). [`StoreError::Locked`] only as far as the system's list of locks tells, which leaves out
    /// other containers and file systems on the network: see to it that the node is stopped.
    pub fn open_read_only(path: &Path) -> Result<RocksReader, StoreError> {
        database::refuse_processor()?;
        database::refuse_if_open(path)?;
        RocksReader::open(path, &options::block_cache())
    }

    /// The names of the tables that the database in `path` holds, ascending; RocksDB's own, `default`, is among them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the files that say so are damaged or missing, else as for [`open`](Self::open).
    pub fn table_names(path: &Path) -> Result<Vec<String>, StoreError> {
        database::refuse_processor()?;
        Ok(database::table_names(path)?.into_iter().collect())
    }

    /// Copies every row of the database in `from` that can be read into a new one in `to`, and says which could not. `from`
    /// is not changed, and its snapshots are not copied. `to` is whole and durable when this returns `Ok`, and else not there;
    /// until then the copy is in `<to>.part`.
    ///
    /// At most one loss a table is reported: all between its first and its last row that cannot be read counts as lost. It
    /// needs a few megabytes of memory beyond what two open databases need, and as much disk as the copied rows.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if `from` is damaged so that it cannot be opened at all; [`StoreError::Locked`] as for
    /// [`open_read_only`](Self::open_read_only); [`StoreError::Io`] if `to` exists; and what writing `to` may meet.
    pub fn salvage(from: &Path, to: &Path) -> Result<Vec<Loss>, StoreError> {
        database::refuse_processor()?;
        salvage::salvage(from, to)
    }

    /// Gives back the disk that deleted and overwritten rows of a table still take, as far as no snapshot shares it. Takes as
    /// long as reading and writing the table does; other threads may read and write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::UnknownTable`] without such a table. [`StoreError::Full`] or [`StoreError::Io`] if what memory holds of it
    /// could not be written; if its files could not be, then the next write says so. [`StoreError::Poisoned`] if an earlier
    /// write failed.
    pub fn compact(&self, table: Table) -> Result<(), StoreError> {
        self.check_poison()?;
        let family = rows::family(&self.db, table)?;
        self.db.flush_cf(family).map_err(|error| errors::on_write(self.db.path(), error))?;
        self.db.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
        Ok(())
    }

    fn check_poison(&self) -> Result<(), StoreError> {
        if self.poisoned.load(Ordering::Acquire) { Err(StoreError::Poisoned) } else { Ok(()) }
    }

    fn translate(&self, batch: &WriteBatch) -> Result<rocksdb::WriteBatch, StoreError> {
        let mut translated = rocksdb::WriteBatch::default();
        for operation in batch.operations() {
            let family = rows::family(&self.db, operation.table())?;
            match operation {
                Operation::Put { key, value, .. } => translated.put_cf(family, key, value),
                Operation::Delete { key, .. } => translated.delete_cf(family, key),
                // RocksDB calls a range that runs backwards an error, after having logged it.
                Operation::DeleteRange { from, to, .. } if from >= to => {}
                Operation::DeleteRange { from, to, .. } => translated.delete_range_cf(family, from, to),
            }
        }
        Ok(translated)
    }
}

impl std::fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksStore").field("path", &self.db.path()).field("poisoned", &self.poisoned).finish()
    }
}

impl Reader for RocksStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        rows::get(&self.db, table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        rows::scan(&self.db, table, from, to, direction, limit)
    }
}

impl Store for RocksStore {
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        self.check_poison()?;
        let translated = self.translate(&batch)?;
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        if let Err(error) = self.db.write_opt(translated, &options) {
            self.poisoned.store(true, Ordering::Release);
            return Err(errors::on_write(self.db.path(), error));
        }
        // Another thread's write may have failed meanwhile, before ours or after: do not vouch for what followed a failure.
        self.check_poison()
    }

    fn take_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.check_poison()?;
        self.snapshots.take(&self.db, number)
    }

    fn expect_snapshot(&self) {
        if database::unflushed(&self.db, &self.tables).is_ok_and(|bytes| bytes > snapshots::LOG_COPIED / 2) {
            database::begin_flush(&self.db, &self.tables);
        }
    }

    fn snapshots(&self) -> Result<Vec<u64>, StoreError> {
        self.snapshots.numbers()
    }

    fn snapshot(&self, number: u64) -> Result<Option<Arc<dyn Reader + Send + Sync>>, StoreError> {
        let Some(reader) = self.snapshots.reader(number, &self.cache)? else { return Ok(None) };
        Ok(Some(reader))
    }

    fn remove_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.snapshots.remove(number)
    }

    fn view(&self) -> Box<dyn Reader + '_> {
        Box::new(rows::View::of(&self.db))
    }

    fn remove_snapshots(&self) -> Result<(), StoreError> {
        self.snapshots.remove_all()
    }

    fn stored_bytes(&self) -> Result<u64, StoreError> {
        database::size(&self.db, &self.tables)
    }
}
