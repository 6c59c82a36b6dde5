//! RocksDB's errors are text. This sorts them; where a phrase is unknown, the text itself goes along.

use std::path::Path;

use rocksdb::{Error, ErrorKind};

use crate::StoreError;

/// How the system says that what a file held is gone: a sector that cannot be read, or one that fails the file system's own checksum.
const BAD: &[&str] = &["Input/output error", "No data available", "Bad message", "Structure needs cleaning"];

/// What was being done when that is said of reading a file. The same words about writing one tell nothing of what the disk holds.
const READING: &[&str] = &[
    "While pread ",
    "While reading file sequentially",
    "While fseek to skip ",
    "While open a file for random read",
    "While opening a file for sequentially reading",
    "While opening file for sequentially read",
    "while stat a file for size",
];

pub(super) fn on_open(path: &Path, error: Error) -> StoreError {
    // The first when another process holds the lock, the second when this one does.
    if mentions(&error, &["While lock file", "lock hold by current process"]) {
        return StoreError::Locked { path: path.to_owned() };
    }
    // "Invalid argument" is how it says that a file the others refer to is not there, or not of this format.
    if error.kind() == ErrorKind::InvalidArgument {
        return StoreError::Corrupt { place: path.display().to_string(), reason: error.into_string() };
    }
    unreadable(path.display().to_string(), &error).unwrap_or_else(|| {
        sort(format!("Opening the database in {}", path.display()), path.display().to_string(), &error)
    })
}

pub(super) fn on_read(table: &str, error: Error) -> StoreError {
    let place = format!("The table {table:?}");
    unreadable(place.clone(), &error).unwrap_or_else(|| sort(format!("Reading the table {table:?}"), place, &error))
}

pub(super) fn on_snapshot(path: &Path, error: Error) -> StoreError {
    sort(format!("Taking the snapshot {}", path.display()), path.display().to_string(), &error)
}

pub(super) fn on_write(path: &Path, error: Error) -> StoreError {
    sort(format!("Writing to the database in {}", path.display()), path.display().to_string(), &error)
}

/// A file that cannot be read is as bad as one that is altered: opening and reading say so. Writing does not, even if it has to read.
fn unreadable(place: String, error: &Error) -> Option<StoreError> {
    let is_bad = mentions(error, BAD) && mentions(error, READING);
    is_bad.then(|| StoreError::Corrupt { place, reason: reason(error) })
}

/// What the database says, as a part of a sentence.
fn reason(error: &Error) -> String {
    error.as_ref().trim_end_matches(['.', ' ']).to_owned()
}

fn sort(doing: String, place: String, error: &Error) -> StoreError {
    let full = mentions(error, &["No space left on device", "Disk quota exceeded"]);
    let denied = mentions(error, &["Permission denied", "Operation not permitted", "Read-only file system"]);
    // A file that the others refer to and that is gone is as bad as one that is altered.
    let damaged = error.kind() == ErrorKind::Corruption || mentions(error, &["No such file or directory"]);
    let reason = reason(error);
    if full {
        StoreError::Full { doing, reason }
    } else if denied {
        StoreError::Denied { doing, reason }
    } else if damaged {
        StoreError::Corrupt { place, reason }
    } else {
        StoreError::Io { doing, reason }
    }
}

fn mentions(error: &Error, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| error.as_ref().contains(phrase))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

    use std::os::unix::fs::symlink;
    use std::path::Path;

    use rocksdb::{DB, Options};

    use super::{on_open, on_read, on_snapshot, on_write};
    use crate::StoreError;

    #[test]
    fn a_file_that_cannot_be_read_is_damage_where_it_is_read() {
        let place = tempfile::tempdir().unwrap();
        // Its first bytes are like a bad sector: no memory is there.
        symlink("/proc/self/mem", place.path().join("CURRENT")).unwrap();
        let error = DB::list_cf(&Options::default(), place.path()).unwrap_err();
        let path = Path::new("db");
        for read in [on_read("records", error.clone()), on_open(path, error.clone())] {
            assert!(
                matches!(&read, StoreError::Corrupt { reason, .. } if reason.ends_with("Input/output error")),
                "{read}"
            );
        }
        for written in [on_write(path, error.clone()), on_snapshot(path, error)] {
            assert!(matches!(written, StoreError::Io { .. }), "{written}");
        }
    }
}
