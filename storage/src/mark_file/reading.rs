//! Reading a mark's file of which some blocks cannot be read: each costs no more than the copy that it lies in.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::slot::{BLOCK, Slot, newest_of};

/// What a mark is read from.
pub(super) trait Medium {
    /// How many bytes there are.
    fn length(&self) -> io::Result<u64>;

    /// Some bytes from an offset on; none only where it ends.
    fn read_some(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Medium for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_some(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_at(bytes, offset)
    }
}

/// Looks for a copy of a slot among so many bytes, or fewer where the file ends.
///
/// # Errors
/// If there is none, and some of these bytes cannot be read: there may have been one.
pub(super) fn copy(
    medium: &impl Medium,
    offset: u64,
    length: u64,
    decode: impl FnOnce(&[u8]) -> Option<Slot>,
) -> io::Result<Option<Slot>> {
    let (mut bytes, mut failed) = (Vec::with_capacity(length as usize), None);
    while (bytes.len() as u64) < length {
        let mut block = vec![0; BLOCK.min(length as usize - bytes.len())];
        match fill(medium, &mut block, offset + bytes.len() as u64) {
            Ok(0) => break,
            Ok(count) => block.truncate(count),
            // Zeros stand for it: in a copy, its checksum does not fit then; beside one, nobody looks at them.
            Err(error) => failed = Some(error),
        }
        bytes.append(&mut block);
    }
    match (decode(&bytes), failed) {
        (None, Some(error)) => Err(error),
        (found, _) => Ok(found),
    }
}

/// How many bytes there are, up to so many.
fn fill(medium: &impl Medium, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match medium.read_some(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A slot by its copies.
///
/// # Errors
/// If none of them can be read: the slot may have been the newest, and whoever took the other would have forgotten what it said since.
pub(super) fn any_of(copies: impl IntoIterator<Item = io::Result<Option<Slot>>>) -> io::Result<Option<Slot>> {
    let both = copies.into_iter().reduce(|one, other| match (one, other) {
        (Ok(one), Ok(other)) => Ok(newest_of([one, other])),
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (failed, Err(_)) => failed,
    });
    both.unwrap_or(Ok(None))
}
