//! What can go wrong with a store, in sentences that say what to do.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a store or a high-water mark could not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk or the file system answered with an error.
    #[error("{doing} failed: {reason}. Check the disk and the kernel's log before starting the node again.")]
    Io {
        /// What was being done, as "Writing a batch".
        doing: String,
        /// What the system said.
        reason: String,
    },
    /// The file system does not let this user in.
    #[error("{doing} was not permitted: {reason}. Give the node's user read and write access to its data directory.")]
    Denied {
        /// What was being done, with the path where there is one.
        doing: String,
        /// What the system said.
        reason: String,
    },
    /// Bytes on the disk are not what was written.
    #[error(
        "{place} is damaged: {reason}. Keep a copy of the data directory and start the node again: it sets aside what cannot be read and gets what it lost from its peers."
    )]
    Corrupt {
        /// What is damaged, with its path where there is one.
        place: String,
        /// How that showed.
        reason: String,
    },
    /// An earlier write or fsync failed, so this store takes no more.
    #[error(
        "An earlier write failed, so what the disk holds is not known and nothing more is written. Find that first error, mend its cause and start the node again."
    )]
    Poisoned,
    /// A table that the store was not opened with. A mistake in the program, not on the disk.
    #[error("The store was opened without a table called {table:?}. Name it when opening the store.")]
    UnknownTable {
        /// Its name.
        table: &'static str,
    },
    /// Another process, or another part of this one, has it open.
    #[error("{} is in use by another process. Stop that one, or give this node a data directory of its own.", path.display())]
    Locked {
        /// The directory or file.
        path: PathBuf,
    },
    /// RocksDB was compiled for processors that this one is not one of.
    #[error(
        "RocksDB needs a processor with SSE 4.2, which this one lacks or its virtual machine hides. Give the virtual machine a processor of type `host` or `x86-64-v2`, or build with a C++ compiler of your own in CXX."
    )]
    Processor,
    /// No space, or no quota, is left.
    #[error("{doing} failed because the disk is full: {reason}. Make room and start the node again.")]
    Full {
        /// What was being done.
        doing: String,
        /// What the system said.
        reason: String,
    },
    /// A high-water mark only moves forward, and this would have moved it back.
    #[error(
        "The high-water mark stands at {held} and cannot be set to {offered}: the records offered are older than what this node has written, or a different history of the same length. Do not vote with them."
    )]
    MarkBehind {
        /// The index it holds.
        held: u64,
        /// The index it was offered.
        offered: u64,
    },
}

impl StoreError {
    /// Sorts an error of the operating system, met while `doing` something to `path`.
    pub(crate) fn from_io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let doing = format!("{doing} {}", path.display());
        let reason = error.to_string();
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Denied { doing, reason },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { doing, reason },
            _ => Self::Io { doing, reason },
        }
    }
}
