//! The high-water mark in a small file.
//!
//! ```text
//!   byte 0                   69 632                139 264                 208 896               278 528
//!   ├──────── copy ▸ length ┼ copy ───────────────┼──────── copy ▸ length ┼ copy ────────────────┤
//!    slot 0: even counters                         slot 1: odd counters
//!
//!   copy: magic 8 │ counter u64 │ set? 1 │ index u64 │ chain 32 │ length of the tail u32 │ tail │ SHA-256 of what is before it 32
//!   tail: (length u32 │ record) for each record that need be nowhere else, or was written together with the mark; at most 64 KiB
//!         (numbers little-endian; what is around the copies is not read)
//! ```
//!
//! A slot has two copies, back to back: one ends where the other begins, in front of it its length, so that either is found
//! without the other. An advance writes the slot that does not hold the mark, with the next counter, in one piece, and syncs it. A power
//! failure in between tears at most that slot, and the other still holds the mark from before: the one that was last promised. A block
//! that rots later, or cannot be read any more, takes one of the copies. Where no copy of a slot can be read, that slot may have been the newest:
//! then there is no mark. The file is made
//! whole under another name, so that it never exists without a valid slot, and with all of its bytes written, so that it takes no
//! more room later and syncing it syncs data alone.
//!
//! Where something else is written beside the mark, a thread of its own writes the slot, and whoever sets the mark waits for
//! both. The thread ends with the [`MarkFile`], and the lock with it.

mod eight_kib;
mod file;
mod four_places;
mod reading;
mod slot;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use file::{Found, find, lock, make, replace};
use slot::Slot;
use writer::Writer;

use crate::files::{beside as named_beside, sync_parent};
use crate::mark::is_newer;
use crate::{Beside, HighWaterMark, Mark, Marked, StoreError};

/// A [`HighWaterMark`] in a file of 272 KiB that only its owner can read, and that is open once at a time.
///
/// If the newest slot was damaged at rest in both its copies, and not torn by a power failure, it falls back by one advance: nothing
/// distinguishes the two.
#[derive(Debug)]
pub struct MarkFile {
    path: PathBuf,
    writer: Writer,
    newest: Slot,
    poisoned: bool,
}

impl MarkFile {
    /// Makes the mark of a journal that begins, in a directory that must exist. Its file is never there without being set to
    /// [`Mark::ORIGIN`], and is durable once this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] if there is something in `path` already, and otherwise as for [`open`](Self::open).
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        make(path, &Slot { counter: 0, held: Some(Mark::ORIGIN.into()) })
            .map_err(|error| StoreError::from_io("Making the high-water mark", path, &error))?;
        Self::open(path)
    }

    /// Opens the mark in `path`, or makes one that was never set, in the place of one that is lost. The directory must exist. The file of
    /// an earlier build is replaced by one that holds the same mark. What [`read`](HighWaterMark::read) then answers is durable, even if
    /// a process before this one was killed while it wrote, or was told that it could not be synced.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open already, [`StoreError::Corrupt`] if no slot is valid or one cannot be read in either copy,
    /// [`StoreError::Denied`], [`StoreError::Full`] or [`StoreError::Io`] as the file system says.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |error| StoreError::from_io("Opening the high-water mark", path, &error);
        if !path.try_exists().map_err(io)? {
            match make(path, &Slot { counter: 0, held: None }) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(io)?,
            }
        }
        let held = lock(path)?;
        let (file, newest) = match find(path, &held)? {
            Found::Current(slot) => (held, slot),
            // The old file stays locked until the new one is in its place.
            Found::Old(slot) => (replace(path, &slot).map_err(io)?, slot),
        };
        let writer = Writer::start(file).map_err(io)?;
        // The same bytes at the same place: wherever the power fails meanwhile, they are there.
        let newest = writer.write(newest).map_err(io)?;
        Ok(Self { path: path.to_owned(), writer, newest, poisoned: false })
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
        if find(path, &held).is_ok() {
            return Err(io(io::Error::other("it can be read, so it is kept")));
        }
        let damaged = named_beside(path, ".damaged");
        fs::rename(path, &damaged).and_then(|()| sync_parent(path)).map_err(io)?;
        Ok((Self::open(path)?, damaged))
    }

    /// Reads the mark of a stopped node without taking or changing it: `None` if it was never set or is not there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if no slot is valid or one cannot be read in either copy, [`StoreError::Denied`] or [`StoreError::Io`] as the file system says.
    pub fn peek(path: &Path) -> Result<Option<Marked>, StoreError> {
        let io = |error| StoreError::from_io("Reading the high-water mark", path, &error);
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io)?,
        };
        Ok(find(path, &file)?.into_slot().held)
    }

    /// Whether the mark has to be written.
    fn takes(&self, mark: Mark) -> Result<bool, StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        is_newer(self.newest.mark(), mark)
    }

    /// What became of writing a slot.
    fn written(&mut self, result: io::Result<Slot>) -> Result<(), StoreError> {
        self.poisoned = result.is_err();
        self.newest = result.map_err(|error| StoreError::from_io("Writing the high-water mark", &self.path, &error))?;
        Ok(())
    }
}

impl HighWaterMark for MarkFile {
    fn read(&self) -> Result<Option<Marked>, StoreError> {
        Ok(self.newest.held.clone())
    }

    fn advance_with(&mut self, marked: Marked) -> Result<(), StoreError> {
        marked.must_fit()?;
        if !self.takes(marked.mark)? {
            return Ok(());
        }
        let result = self.writer.write(self.newest.next(marked));
        self.written(result)
    }

    fn advance_beside(&mut self, marked: Marked, beside: Beside<'_>) -> Result<(), StoreError> {
        if !self.takes(marked.mark)? {
            return beside();
        }
        if !marked.fits() {
            beside()?;
            return self.advance(marked.mark);
        }
        let begun = match self.writer.begin(self.newest.next(marked)) {
            Ok(begun) => begun,
            Err(error) => return self.written(Err(error)),
        };
        let done = beside();
        let written = self.written(begun.finish());
        done.and(written)
    }
}
