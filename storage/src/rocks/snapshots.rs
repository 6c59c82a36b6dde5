//! Snapshots on disk: RocksDB's checkpoints, which share their table files with the database.
//!
//! ```text
//!   db/                                the database
//!   db.snapshots/
//!     00000000000000000128/            a snapshot: hard links, a list of files, at most 16 MiB of log
//!     00000000000000000256.new.tmp/    one that is being taken          ─┐ swept when the
//!     00000000000000000064.0.old.tmp/  one that is being removed, by a  ─┘ store opens
//!                                      thread of its own (`remover.rs`)
//! ```
//!
//! A snapshot is made whole and synced under another name. It appears, and disappears, with one rename.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{Cache, DB};

use super::errors;
use super::reader::RocksReader;
use super::remover::Remover;
use crate::StoreError;
use crate::files::{beside, remove_if_there, sync_directory, sync_parent};

/// A log up to this long is copied; a longer one is written into table files first.
pub(super) const LOG_COPIED: u64 = 16 << 20;
/// How many snapshots stay open for the next reader.
const KEPT_OPEN: usize = 2;

pub(super) struct Snapshots {
    directory: PathBuf,
    /// Held while one is taken or loses its name. How many lost theirs.
    changing: Mutex<u64>,
    remover: Remover,
    /// The last ones asked for, the latest last.
    open: Mutex<Vec<(u64, Arc<RocksReader>)>>,
}

impl Snapshots {
    /// Those of the database in `database`. Removes what was being taken or removed when the process ended.
    pub(super) fn of(database: &Path) -> Result<Self, StoreError> {
        let directory = beside(database, ".snapshots");
        sweep(&directory).map_err(|error| StoreError::from_io("Clearing up", &directory, &error))?;
        let remover =
            Remover::start().map_err(|error| StoreError::from_io("Starting to clear up", &directory, &error))?;
        Ok(Self { directory, changing: Mutex::default(), remover, open: Mutex::default() })
    }

    pub(super) fn take(&self, db: &DB, number: u64) -> Result<(), StoreError> {
        let _changing = lock(&self.changing);
        let (path, draft) = (self.path(number, ""), self.path(number, ".new.tmp"));
        let io = |error| StoreError::from_io("Taking the snapshot", &path, &error);
        if path.try_exists().map_err(io)? {
            return Ok(());
        }
        let taken = self.prepare(&draft).map_err(io).and_then(|()| {
            create(db, &draft).map_err(|error| errors::on_snapshot(&path, error))?;
            fs::rename(&draft, &path).and_then(|()| sync_directory(&self.directory)).map_err(io)
        });
        if taken.is_err() {
            // What cannot be removed now is swept when the store opens; the error before it says more.
            remove_if_there(&draft).ok();
        }
        taken
    }

    /// Makes the directory, and room for the draft.
    fn prepare(&self, draft: &Path) -> io::Result<()> {
        if !self.directory.try_exists()? {
            fs::create_dir(&self.directory)?;
            sync_parent(&self.directory)?;
        }
        remove_if_there(draft)
    }

    pub(super) fn numbers(&self) -> Result<Vec<u64>, StoreError> {
        let names = names(&self.directory)
            .map_err(|error| StoreError::from_io("Listing the snapshots in", &self.directory, &error))?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(super) fn reader(&self, number: u64, cache: &Cache) -> Result<Option<Arc<RocksReader>>, StoreError> {
        let mut open = lock(&self.open);
        if let Some(at) = open.iter().position(|(held, _)| *held == number) {
            open[at..].rotate_left(1);
            return Ok(open.last().map(|(_, reader)| Arc::clone(reader)));
        }
        let path = self.path(number, "");
        if !path.try_exists().map_err(|error| StoreError::from_io("Opening the snapshot", &path, &error))? {
            return Ok(None);
        }
        let reader = Arc::new(RocksReader::open(&path, cache)?);
        if open.len() == KEPT_OPEN {
            open.remove(0);
        }
        open.push((number, Arc::clone(&reader)));
        Ok(Some(reader))
    }

    /// Nobody finds it when this returns. Its files go soon; that those of an earlier one could not is an error of this.
    pub(super) fn remove(&self, number: u64) -> Result<(), StoreError> {
        let mut removed = lock(&self.changing);
        let (path, doomed) = (self.path(number, ""), self.path(number, &format!(".{removed}.old.tmp")));
        *removed += 1;
        let io = |error| StoreError::from_io("Removing the snapshot", &path, &error);
        if self.hide(number, &path, &doomed).map_err(io)? {
            self.remover
                .remove(doomed)
                .map_err(|error| StoreError::from_io("Removing an earlier snapshot in", &self.directory, &error))?;
        }
        Ok(())
    }

    /// Nobody finds one when this returns, whether or not the power fails then.
    pub(super) fn remove_all(&self) -> Result<(), StoreError> {
        let numbers = self.numbers()?;
        if numbers.is_empty() {
            return Ok(());
        }
        numbers.into_iter().try_for_each(|number| self.remove(number))?;
        sync_directory(&self.directory)
            .map_err(|error| StoreError::from_io("Removing the snapshots in", &self.directory, &error))
    }

    /// Takes its name from it, so that nobody finds it any more. Whether it had one.
    fn hide(&self, number: u64, path: &Path, doomed: &Path) -> io::Result<bool> {
        // Nobody opens it meanwhile, and would take a directory that is going for a damaged one.
        let mut open = lock(&self.open);
        match fs::rename(path, doomed) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            renamed => renamed?,
        }
        open.retain(|(held, _)| *held != number);
        Ok(true)
    }

    fn path(&self, number: u64, suffix: &str) -> PathBuf {
        self.directory.join(format!("{number:020}{suffix}"))
    }
}

/// Everything in the draft is synced when this returns `Ok`.
fn create(db: &DB, draft: &Path) -> Result<(), rocksdb::Error> {
    Checkpoint::new(db)?.create_checkpoint_with_log_size(draft, LOG_COPIED)
}

fn sweep(directory: &Path) -> io::Result<()> {
    for name in names(directory)?.iter().filter(|name| name.ends_with(".tmp")) {
        fs::remove_dir_all(directory.join(name))?;
    }
    Ok(())
}

/// What is in the directory; nothing if it is not there. Names that are no text are not ours.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

fn number(name: &str) -> Option<u64> {
    let digits = name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit());
    if digits { name.parse().ok() } else { None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
