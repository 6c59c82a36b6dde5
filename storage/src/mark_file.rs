//! The high-water mark in a small file.
//!
//! ```text
//!   byte 0                       4096                        8192
//!   ├─ slot 0: even counters ────┼─ slot 1: odd counters ─────┤
//!
//!   slot: magic 8 │ counter u64 │ set? 1 │ index u64 │ chain 32 │ SHA-256 of what is before it 32
//!         (numbers little-endian; the rest of the slot is zero and not read)
//! ```
//!
//! An advance writes the slot that does not hold the mark, with the next counter, and syncs it. A power failure in between
//! tears at most that slot, and the other still holds the mark from before: the one that was last promised. The file is made
//! whole under another name, so that it never exists without a valid slot.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, process};

use sha2::{Digest, Sha256};

use crate::files::{beside, sync_parent};
use crate::mark::is_newer;
use crate::{HighWaterMark, Mark, StoreError};

const MAGIC: &[u8; 8] = b"TTR-MARK";
const SLOT: u64 = 4096;
const CONTENT: usize = 8 + 8 + 1 + 8 + 32;
const RECORD: usize = CONTENT + 32;

/// A [`HighWaterMark`] in a file of 8 KiB that only its owner can read, and that is open once at a time.
///
/// If the newest slot was damaged at rest, and not torn by a power failure, it falls back by one advance: nothing
/// distinguishes the two.
#[derive(Debug)]
pub struct MarkFile {
    path: PathBuf,
    file: File,
    newest: Slot,
    poisoned: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    counter: u64,
    mark: Option<Mark>,
}

impl MarkFile {
    /// Makes the mark of a journal that begins, in a directory that must exist. Its file is never there without being set to
    /// [`Mark::ORIGIN`], and is durable once this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] if there is something in `path` already, and otherwise as for [`open`](Self::open).
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        make(path, Some(Mark::ORIGIN))
            .map_err(|error| StoreError::from_io("Making the high-water mark", path, &error))?;
        Self::open(path)
    }

    /// Opens the mark in `path`, or makes one that was never set, in the place of one that is lost. The directory must exist.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open already, [`StoreError::Corrupt`] if neither slot is valid,
    /// [`StoreError::Denied`], [`StoreError::Full`] or [`StoreError::Io`] as the file system says.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |error| StoreError::from_io("Opening the high-water mark", path, &error);
        if !path.try_exists().map_err(io)? {
            match make(path, None) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(io)?,
            }
        }
        let file = lock(path)?;
        let newest = newest(&file).map_err(io)?.ok_or_else(|| both_bad(path))?;
        Ok(Self { path: path.to_owned(), file, newest, poisoned: false })
    }

    /// Moves a mark that cannot be read aside, to `<path>.damaged` in place of an older one there, makes a new one that was
    /// never set, and says where the damaged one is. A crash in between leaves no mark, which [`open`](Self::open) takes for
    /// a new one.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open, [`StoreError::Io`] if it is not there or can be read after all, and otherwise as
    /// for [`open`](Self::open).
    pub fn renew(path: &Path) -> Result<(Self, PathBuf), StoreError> {
        let io = |error| StoreError::from_io("Replacing the high-water mark", path, &error);
        let held = lock(path)?;
        if let Ok(Some(_)) = newest(&held) {
            return Err(io(io::Error::other("it can be read, so it is kept")));
        }
        let damaged = beside(path, ".damaged");
        fs::rename(path, &damaged).and_then(|()| sync_parent(path)).map_err(io)?;
        Ok((Self::open(path)?, damaged))
    }

    /// Reads the mark of a stopped node without taking or changing it: `None` if it was never set or is not there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if neither slot is valid, [`StoreError::Denied`] or [`StoreError::Io`] as the file system says.
    pub fn peek(path: &Path) -> Result<Option<Mark>, StoreError> {
        let io = |error| StoreError::from_io("Reading the high-water mark", path, &error);
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io)?,
        };
        Ok(newest(&file).map_err(io)?.ok_or_else(|| both_bad(path))?.mark)
    }
}

impl HighWaterMark for MarkFile {
    fn read(&self) -> Result<Option<Mark>, StoreError> {
        Ok(self.newest.mark)
    }

    fn advance(&mut self, mark: Mark) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        if !is_newer(self.newest.mark, mark)? {
            return Ok(());
        }
        let next = Slot { counter: self.newest.counter.wrapping_add(1), mark: Some(mark) };
        if let Err(error) = write(&self.file, next) {
            self.poisoned = true;
            return Err(StoreError::from_io("Writing the high-water mark", &self.path, &error));
        }
        self.newest = next;
        Ok(())
    }
}

fn both_bad(path: &Path) -> StoreError {
    let reason = "neither of its two slots holds a valid mark, so how far this node had voted is not known".to_owned();
    StoreError::Corrupt { place: format!("The high-water mark {}", path.display()), reason }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let io = |error| StoreError::from_io("Opening the high-water mark", path, &error);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Makes the file under a name nobody else uses, and links it to its own only if that is still free.
fn make(path: &Path, mark: Option<Mark>) -> io::Result<()> {
    static ATTEMPT: AtomicU64 = AtomicU64::new(0);
    let attempt = ATTEMPT.fetch_add(1, Ordering::Relaxed);
    let draft = beside(path, &format!(".new-{}-{attempt}", process::id()));
    let linked = fill(&draft, mark).and_then(|()| fs::hard_link(&draft, path));
    // A draft left behind does no harm, and an error of the two before it says more.
    fs::remove_file(&draft).ok();
    // The name of one that somebody else has just made is made durable as well.
    sync_parent(path).and(linked)
}

fn fill(draft: &Path, mark: Option<Mark>) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.set_len(2 * SLOT)?;
    write(&file, Slot { counter: 0, mark })?;
    file.sync_all()
}

fn write(file: &File, slot: Slot) -> io::Result<()> {
    file.write_all_at(&encode(slot), slot.counter % 2 * SLOT)?;
    file.sync_data()
}

/// The valid slot with the higher counter, if there is one.
fn newest(file: &File) -> io::Result<Option<Slot>> {
    let slots = [read_slot(file, 0)?, read_slot(file, SLOT)?];
    Ok(slots.into_iter().flatten().max_by_key(|slot| slot.counter))
}

fn read_slot(file: &File, offset: u64) -> io::Result<Option<Slot>> {
    let mut bytes = [0; RECORD];
    match file.read_exact_at(&mut bytes, offset) {
        Ok(()) => Ok(decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn encode(slot: Slot) -> Vec<u8> {
    let mark = slot.mark.unwrap_or(Mark::ORIGIN);
    let mut bytes = Vec::with_capacity(RECORD);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&slot.counter.to_le_bytes());
    bytes.push(u8::from(slot.mark.is_some()));
    bytes.extend_from_slice(&mark.index.to_le_bytes());
    bytes.extend_from_slice(&mark.chain);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn decode(bytes: &[u8; RECORD]) -> Option<Slot> {
    let (content, checksum) = bytes.split_at(CONTENT);
    if Sha256::digest(content).as_slice() != checksum {
        return None;
    }
    let content = content.strip_prefix(MAGIC)?;
    let (counter, content) = content.split_first_chunk::<8>()?;
    let (set, content) = content.split_first()?;
    let (index, content) = content.split_first_chunk::<8>()?;
    let (chain, _) = content.split_first_chunk::<32>()?;
    let mark = Mark { index: u64::from_le_bytes(*index), chain: *chain };
    Some(Slot { counter: u64::from_le_bytes(*counter), mark: (*set == 1).then_some(mark) })
}
