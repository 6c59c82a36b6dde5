//! A file as a stream of messages.

use std::io::{self, Write};
use std::mem;

use sha2::{Digest as _, Sha256};

use crate::bolt::Database;
use crate::messages::maintenance::SnapshotResponse;

/// The bytes of a file in one message: etcd's.
const BLOB_BYTES: usize = 32 * 1024;

/// Sends a database and its SHA-256 behind it, by which etcdctl tells that it has all of it. As with etcd the hash is not among the bytes that
/// remain, and there is no header.
///
/// # Errors
/// If the database cannot be read, or `tell` says that nobody listens any more.
pub(crate) fn send(database: Database, tell: impl FnMut(SnapshotResponse) -> io::Result<()>) -> io::Result<()> {
    let remaining = database.bytes();
    let mut blobs = Blobs { tell, remaining, next: Vec::with_capacity(BLOB_BYTES), hash: Sha256::new() };
    database.write(&mut blobs)?;
    blobs.pass_on()?;
    let blob = blobs.hash.finalize().to_vec();
    (blobs.tell)(SnapshotResponse { header: None, remaining_bytes: 0, blob })
}

struct Blobs<T> {
    tell: T,
    remaining: u64,
    next: Vec<u8>,
    hash: Sha256,
}

impl<T: FnMut(SnapshotResponse) -> io::Result<()>> Blobs<T> {
    /// Sends what there is, if there is something.
    fn pass_on(&mut self) -> io::Result<()> {
        if self.next.is_empty() {
            return Ok(());
        }
        let blob = mem::replace(&mut self.next, Vec::with_capacity(BLOB_BYTES));
        self.hash.update(&blob);
        self.remaining = self.remaining.saturating_sub(blob.len() as u64);
        (self.tell)(SnapshotResponse { header: None, remaining_bytes: self.remaining, blob })
    }
}

impl<T: FnMut(SnapshotResponse) -> io::Result<()>> Write for Blobs<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOB_BYTES - self.next.len());
        self.next.extend_from_slice(&bytes[..taken]);
        if self.next.len() == BLOB_BYTES {
            self.pass_on()?;
        }
        Ok(taken)
    }

    /// Messages are full, so nothing is sent before its time.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
