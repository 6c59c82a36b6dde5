//! Directories that hold databases, and opening them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rocksdb::properties::{self, PropName};
use rocksdb::{Cache, ColumnFamilyDescriptor, DB, FlushOptions, Options};

use super::{errors, options};
use crate::StoreError;
use crate::files::sync_directory;

/// Creates the directory if need be, so that no power failure takes it back, and gives its one true name.
pub(super) fn directory(path: &Path) -> io::Result<PathBuf> {
    let created = !path.try_exists()?;
    fs::create_dir_all(path)?;
    let path = path.canonicalize()?;
    if let (true, Some(parent)) = (created, path.parent()) {
        sync_directory(parent)?;
    }
    Ok(path)
}

/// Opens the database for reading and writing, with these tables and those that are there already.
pub(super) fn open(path: &Path, tables: BTreeSet<String>, cache: &Cache) -> Result<DB, StoreError> {
    let names = column_families(path, tables)?;
    DB::open_cf_descriptors(&options::database(), path, families(&names, || options::written_table(cache)))
        .map_err(|error| errors::on_open(path, error))
}

/// Opens the database with all its tables as it is, without changing a byte in its directory.
pub(super) fn open_read_only(path: &Path, options: &Options, cache: &Cache) -> Result<DB, StoreError> {
    let names = table_names(path)?;
    DB::open_cf_descriptors_read_only(options, path, families(&names, || options::table(cache)), false)
        .map_err(|error| errors::on_open(path, error))
}

/// The tables that the database holds.
pub(super) fn table_names(path: &Path) -> Result<BTreeSet<String>, StoreError> {
    if !path.join("CURRENT").exists() && holds_data(path)? {
        let reason = "it holds tables or logs, but the file CURRENT that says which of them count is gone".to_owned();
        return Err(StoreError::Corrupt { place: path.display().to_string(), reason });
    }
    let names = DB::list_cf(&Options::default(), path).map_err(|error| errors::on_open(path, error))?;
    Ok(names.into_iter().collect())
}

/// The bytes of the files of these tables as they are now, and of what waits in memory to be written to such a file.
pub(super) fn size(db: &DB, names: &BTreeSet<String>) -> Result<u64, StoreError> {
    Ok(sum(db, names, properties::LIVE_SST_FILES_SIZE)? + unflushed(db, names)?)
}

/// The bytes that wait in memory to be written to files of these tables.
pub(super) fn unflushed(db: &DB, names: &BTreeSet<String>) -> Result<u64, StoreError> {
    sum(db, names, properties::CUR_SIZE_ALL_MEM_TABLES)
}

/// A property of all these tables together.
fn sum(db: &DB, names: &BTreeSet<String>, property: &PropName) -> Result<u64, StoreError> {
    let mut sum = 0;
    for name in names {
        let Some(family) = db.cf_handle(name) else { continue };
        let part = db.property_int_value_cf(family, property).map_err(|error| errors::on_read(name, error))?;
        sum += part.unwrap_or_default();
    }
    Ok(sum)
}

/// Has what waits in memory written to files, and does not wait for that.
pub(super) fn begin_flush(db: &DB, names: &BTreeSet<String>) {
    let families: Vec<_> = names.iter().filter_map(|name| db.cf_handle(name)).collect();
    let mut options = FlushOptions::default();
    options.set_wait(false);
    // Whatever goes wrong with it goes wrong with the next write as well, and that says so.
    db.flush_cfs_opt(&families, &options).ok();
}

/// Refuses to run RocksDB where it cannot: `.cargo/cxx` has it compiled for processors with SSE 4.2, and without these the process would die of it.
#[cfg_attr(not(target_arch = "x86_64"), expect(clippy::unnecessary_wraps, reason = "others run it as it is"))]
pub(super) fn refuse_processor() -> Result<(), StoreError> {
    #[cfg(target_arch = "x86_64")]
    if !std::is_x86_feature_detected!("sse4.2") {
        return Err(StoreError::Processor);
    }
    Ok(())
}

/// Refuses a database that is open elsewhere, as far as the system's list of locks tells: another container's locks are not
/// on it, nor those on a network's file system. Opening the lock's file instead would end a lock that this process holds.
pub(super) fn refuse_if_open(path: &Path) -> Result<(), StoreError> {
    let (Ok(lock), Ok(held)) = (fs::metadata(path.join("LOCK")), fs::read_to_string("/proc/locks")) else {
        return Ok(());
    };
    let device = lock.dev();
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
    let minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
    let place = format!("{major:02x}:{minor:02x}:{}", lock.ino());
    if held.split_whitespace().any(|word| word == place) {
        return Err(StoreError::Locked { path: path.to_owned() });
    }
    Ok(())
}

fn families(names: &BTreeSet<String>, table: impl Fn() -> Options) -> Vec<ColumnFamilyDescriptor> {
    names.iter().map(|name| ColumnFamilyDescriptor::new(name, table())).collect()
}

/// The tables asked for and those that are there already: RocksDB opens all of them or nothing.
fn column_families(path: &Path, mut names: BTreeSet<String>) -> Result<BTreeSet<String>, StoreError> {
    if path.join("CURRENT").exists() || holds_data(path)? {
        names.extend(table_names(path)?);
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
