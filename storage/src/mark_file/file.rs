//! The file itself: made whole under another name, replaced whole, locked while it is open.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, process};

use super::reading::Medium;
use super::slot::{FILE, Slot};
use super::{eight_kib, four_places, slot};
use crate::StoreError;
use crate::files::{beside, sync_parent};

/// What a file holds, in whichever format.
pub(super) enum Found {
    /// As it is written now.
    Current(Slot),
    /// As it was, or cut short: the file is to be replaced before anything is written.
    Old(Slot),
}

impl Found {
    pub(super) fn into_slot(self) -> Slot {
        match self {
            Self::Current(slot) | Self::Old(slot) => slot,
        }
    }
}

/// The newest valid slot of what lies in `path`.
///
/// # Errors
/// [`StoreError::Corrupt`] if there is none, or if one that may be newer cannot be read.
pub(super) fn find(path: &Path, medium: &impl Medium) -> Result<Found, StoreError> {
    let reason = match look(medium) {
        Ok(Some(found)) => return Ok(found),
        Ok(None) => "none of its slots holds a valid mark".to_owned(),
        // Neither space nor permission is what reading an open file lacks.
        Err(error) => format!("no copy of a slot can be read ({error})"),
    };
    let reason = format!("{reason}, so how far this node had voted is not known");
    Err(StoreError::Corrupt { place: format!("The high-water mark {}", path.display()), reason })
}

fn look(medium: &impl Medium) -> io::Result<Option<Found>> {
    match slot::newest(medium)? {
        Some(slot) if medium.length()? >= FILE => Ok(Some(Found::Current(slot))),
        Some(slot) => Ok(Some(Found::Old(slot))),
        None => Ok(four_places::newest(medium)?.or(eight_kib::newest(medium)?).map(Found::Old)),
    }
}

/// Opens the file, unless it is open already.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| opening(path, &error))?;
    take(path, file)
}

fn opening(path: &Path, error: &io::Error) -> StoreError {
    StoreError::from_io("Opening the high-water mark", path, error)
}

/// Locks a file that was found there.
pub(super) fn take(path: &Path, file: File) -> Result<File, StoreError> {
    let locked = || StoreError::Locked { path: path.to_owned() };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(locked()),
        Err(TryLockError::Error(error)) => return Err(opening(path, &error)),
    }
    // Whoever had it open may have put another in its place meanwhile, which is still open.
    let place = |data: fs::Metadata| (data.dev(), data.ino());
    let is_there = fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|own| place(own) == place(there)));
    if is_there { Ok(file) } else { Err(locked()) }
}

/// Makes the file under a name nobody else uses, and links it to its own only if that is still free.
pub(super) fn make(path: &Path, slot: &Slot) -> io::Result<()> {
    let draft = draft_of(path);
    let linked = fill(&draft, slot).and_then(|_| fs::hard_link(&draft, path));
    // A draft left behind does no harm, and an error of the two before it says more.
    fs::remove_file(&draft).ok();
    // The name of one that somebody else has just made is made durable as well.
    sync_parent(path).and(linked)
}

/// Puts a new file in the place of one that is locked, and returns it, locked before it can be found: there is a valid mark under this
/// name at any time.
pub(super) fn replace(path: &Path, slot: &Slot) -> io::Result<File> {
    let draft = draft_of(path);
    let filled = fill(&draft, slot).and_then(|file| {
        file.try_lock()?;
        fs::rename(&draft, path)?;
        Ok(file)
    });
    if filled.is_err() {
        fs::remove_file(&draft).ok();
    }
    let file = filled?;
    sync_parent(path)?;
    Ok(file)
}

fn draft_of(path: &Path) -> PathBuf {
    static ATTEMPT: AtomicU64 = AtomicU64::new(0);
    let attempt = ATTEMPT.fetch_add(1, Ordering::Relaxed);
    beside(path, &format!(".new-{}-{attempt}", process::id()))
}

/// All slots are written to their ends, so that later writes take no room and change nothing but what they write.
fn fill(draft: &Path, slot: &Slot) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.write_all_at(&vec![0; FILE as usize], 0)?;
    slot.write_to(&file)?;
    file.sync_all()?;
    Ok(file)
}
