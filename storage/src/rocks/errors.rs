//! RocksDB's errors are text. This sorts them; where a phrase is unknown, the text itself goes along.

use std::path::Path;

use rocksdb::{Error, ErrorKind};

use crate::StoreError;

pub(super) fn on_open(path: &Path, error: Error) -> StoreError {
    // The first when another process holds the lock, the second when this one does.
    if mentions(&error, &["While lock file", "lock hold by current process"]) {
        return StoreError::Locked { path: path.to_owned() };
    }
    // "Invalid argument" is how it says that a file the others refer to is not there, or not of this format.
    if error.kind() == ErrorKind::InvalidArgument {
        return StoreError::Corrupt { place: path.display().to_string(), reason: error.into_string() };
    }
    sort(format!("Opening the database in {}", path.display()), path.display().to_string(), error)
}

pub(super) fn on_read(table: &str, error: Error) -> StoreError {
    sort(format!("Reading the table {table:?}"), format!("The table {table:?}"), error)
}

pub(super) fn on_snapshot(path: &Path, error: Error) -> StoreError {
    sort(format!("Taking the snapshot {}", path.display()), path.display().to_string(), error)
}

pub(super) fn on_write(path: &Path, error: Error) -> StoreError {
    sort(format!("Writing to the database in {}", path.display()), path.display().to_string(), error)
}

fn sort(doing: String, place: String, error: Error) -> StoreError {
    let full = mentions(&error, &["No space left on device", "Disk quota exceeded"]);
    let denied = mentions(&error, &["Permission denied", "Operation not permitted", "Read-only file system"]);
    // A file that the others refer to and that is gone is as bad as one that is altered.
    let damaged = error.kind() == ErrorKind::Corruption || mentions(&error, &["No such file or directory"]);
    let reason = error.into_string().trim_end_matches(['.', ' ']).to_owned();
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
