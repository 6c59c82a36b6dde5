//! The store on disk.

mod errors;
mod options;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, IteratorMode, Options, ReadOptions, WriteOptions};

use crate::store::{Direction, Durability, Pair, Reader, Store};
use crate::{Operation, StoreError, Table, WriteBatch};

/// RocksDB in one directory, a column family a table.
///
/// Opening it brings back everything that was synced, of what was merely buffered a prefix, and writes that to disk anew, so
/// that what can be read after opening is durable. It uses some tens of megabytes: see `options.rs`. Dropping it closes the
/// database and waits for its threads; one directory can be open once at a time.
pub struct RocksStore {
    db: DB,
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
        // One spelling for one directory: that is how RocksDB knows what this process has open already.
        let path = directory(path).map_err(|error| StoreError::from_io("Opening the database in", path, &error))?;
        let names = column_families(&path, tables)?;
        let cache = options::block_cache();
        let families =
            names.iter().map(|name| ColumnFamilyDescriptor::new(name, options::table(&cache))).collect::<Vec<_>>();
        let db = DB::open_cf_descriptors(&options::database(), &path, families)
            .map_err(|error| errors::on_open(&path, error))?;
        Ok(Self { db, poisoned: AtomicBool::new(false) })
    }

    fn family(&self, table: Table) -> Result<&ColumnFamily, StoreError> {
        self.db.cf_handle(table.name()).ok_or(StoreError::UnknownTable { table: table.name() })
    }

    fn check_poison(&self) -> Result<(), StoreError> {
        if self.poisoned.load(Ordering::Acquire) { Err(StoreError::Poisoned) } else { Ok(()) }
    }

    fn translate(&self, batch: &WriteBatch) -> Result<rocksdb::WriteBatch, StoreError> {
        let mut translated = rocksdb::WriteBatch::default();
        for operation in batch.operations() {
            let family = self.family(operation.table())?;
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
        let family = self.family(table)?;
        self.db.get_cf_opt(family, key, &read_options()).map_err(|error| errors::on_read(table, error))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let family = self.family(table)?;
        if limit == 0 || (!to.is_empty() && from >= to) {
            return Ok(Vec::new());
        }
        let mut options = read_options();
        options.set_iterate_lower_bound(from);
        if !to.is_empty() {
            options.set_iterate_upper_bound(to);
        }
        let mode = match direction {
            Direction::Ascending => IteratorMode::Start,
            Direction::Descending => IteratorMode::End,
        };
        self.db
            .iterator_cf_opt(family, options, mode)
            .take(limit)
            .map(|pair| pair.map(|(key, value)| (key.into_vec(), value.into_vec())))
            .collect::<Result<_, _>>()
            .map_err(|error| errors::on_read(table, error))
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
}

fn read_options() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(true);
    options
}

/// Creates the directory if need be, so that no power failure takes it back, and gives its one true name.
fn directory(path: &Path) -> io::Result<PathBuf> {
    let created = !path.try_exists()?;
    fs::create_dir_all(path)?;
    let path = path.canonicalize()?;
    if let (true, Some(parent)) = (created, path.parent()) {
        File::open(parent)?.sync_all()?;
    }
    Ok(path)
}

/// The tables asked for and those that are there already: RocksDB opens all of them or nothing.
fn column_families(path: &Path, tables: &[Table]) -> Result<BTreeSet<String>, StoreError> {
    let mut names: BTreeSet<String> = tables.iter().map(|table| table.name().to_owned()).collect();
    if path.join("CURRENT").exists() {
        names.extend(DB::list_cf(&Options::default(), path).map_err(|error| errors::on_open(path, error))?);
    } else if holds_data(path)? {
        let reason = "it holds tables or logs, but the file CURRENT that says which of them count is gone".to_owned();
        return Err(StoreError::Corrupt { place: path.display().to_string(), reason });
    }
    Ok(names)
}

/// Whether files are left of a database, so that creating a new one over them would look like a first start.
fn holds_data(path: &Path) -> Result<bool, StoreError> {
    let io = |error| StoreError::from_io("Listing", path, &error);
    for entry in fs::read_dir(path).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        if Path::new(&name).extension().is_some_and(|extension| extension == "sst" || extension == "log") {
            return Ok(true);
        }
    }
    Ok(false)
}
