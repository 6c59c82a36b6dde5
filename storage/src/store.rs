//! What a store promises to its users.

use std::sync::Arc;

use crate::{StoreError, Table, WriteBatch};

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// How much a write must survive before `write` returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// It survives the end of this process, but perhaps not a power failure.
    Buffered,
    /// It is on the disk, and with it everything written before it.
    Synced,
}

/// Which end of a range a scan starts at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the smallest key on.
    Ascending,
    /// From the largest key down.
    Descending,
}

/// Reading from ordered tables. Keys are ordered as byte strings.
pub trait Reader {
    /// The value of `key`, or `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a checksum does not match, [`StoreError::UnknownTable`] if the store was opened without
    /// that table, [`StoreError::Io`] if the disk could not be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` pairs of `[from, to)`, all as of one moment; an empty `to` means no upper bound.
    ///
    /// With [`Direction::Descending`] they are the largest keys of the range, largest first. The answer is held in memory:
    /// the caller bounds it with `limit`, and pages by starting again behind the last key.
    ///
    /// # Errors
    /// As for [`get`](Self::get). A scan that meets an error returns no pairs.
    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError>;
}

/// A set of ordered tables, written in atomic batches.
pub trait Store: Reader + Send + Sync {
    /// Applies the whole batch or nothing of it; visible to reads once this returns `Ok`.
    ///
    /// After an error other than [`StoreError::UnknownTable`] it is not known whether the batch will be there when the store
    /// is opened again: like a write that was under way when the power failed.
    ///
    /// # Errors
    /// [`StoreError::UnknownTable`] if a table is missing: nothing was written and the store goes on. [`StoreError::Full`],
    /// [`StoreError::Io`] or [`StoreError::Corrupt`] if the write or its fsync failed: the store is poisoned from then on.
    /// [`StoreError::Poisoned`] if an earlier write failed.
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError>;

    /// Freezes all tables as they are between two writes, under a number. The snapshot is durable once this returns `Ok`, and
    /// stays until it is removed. If there is one of that number already, nothing happens.
    ///
    /// One that failed, or that a crash interrupted, leaves nothing behind and poisons nothing: no vote depends on it. As long
    /// as a snapshot exists, what it shares with the tables takes no space; what they overwrite later does.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`] or [`StoreError::Denied`] as the disk says. [`StoreError::Poisoned`] if an
    /// earlier write failed.
    fn take_snapshot(&self, number: u64) -> Result<(), StoreError>;

    /// A snapshot will be taken soon: a store that can prepare for that without being waited for does so, and then it takes less time.
    fn expect_snapshot(&self) {}

    /// The numbers of all snapshots, ascending.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Denied`] if they cannot be listed.
    fn snapshots(&self) -> Result<Vec<u64>, StoreError>;

    /// Opens a snapshot for reading; `None` if there is none of that number. Asking again soon is cheap.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if its files are damaged or missing, [`StoreError::Io`] if the disk could not be read.
    fn snapshot(&self, number: u64) -> Result<Option<Arc<dyn Reader + Send + Sync>>, StoreError>;

    /// Removes a snapshot; no error if there is none. Nobody finds it any more; what it has on the disk may go a little later. A reader
    /// that is still held answers as before, or with [`StoreError::Io`] or [`StoreError::Corrupt`] where it needs a file that is gone.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Denied`] as the disk says, to this one or an earlier one. Each is then there or not, but never
    /// half there; what is left of it is removed when the store is opened the next time.
    fn remove_snapshot(&self, number: u64) -> Result<(), StoreError>;

    /// The rows as they are now, whatever is written while it is held: for a reader of much, whom nobody is to wait for. It keeps what it sees from
    /// being given back, so it must not be held for long.
    fn view(&self) -> Box<dyn Reader + '_>;

    /// Removes all snapshots, so that not even a power failure brings one back: they are of tables that are given up.
    ///
    /// # Errors
    /// As for [`remove_snapshot`](Self::remove_snapshot); some may be gone then.
    fn remove_snapshots(&self) -> Result<(), StoreError> {
        self.snapshots()?.into_iter().try_for_each(|number| self.remove_snapshot(number))
    }

    /// The bytes that the tables take now. On a disk: those of the files that hold them, compressed as they are and with deleted rows that
    /// are yet to be given back, and of what memory holds until it comes into such files. Files that only snapshots still need, and the
    /// database's own log, are not among them. Without files: those of keys and values. Cheap enough to be asked for at any time, but in
    /// memory.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the database cannot tell.
    fn stored_bytes(&self) -> Result<u64, StoreError>;
}

/// How many rows [`for_each_row`] holds in memory at most.
const PAGE: usize = 64;

/// Visits every row of a table in ascending order, a page at a time, and says how many there were. Rows that are written
/// meanwhile may be among them or not.
///
/// # Errors
/// As for [`Reader::scan`]; rows before the one that could not be read may not all have been visited.
pub fn for_each_row(reader: &dyn Reader, table: Table, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<u64, StoreError> {
    let (mut from, mut count) = (Vec::new(), 0);
    loop {
        let page = reader.scan(table, &from, &[], Direction::Ascending, PAGE)?;
        page.iter().for_each(|(key, value)| visit(key, value));
        count += page.len() as u64;
        match page.into_iter().nth(PAGE - 1) {
            // The smallest key behind the last one.
            Some((last, _)) => from = [&last[..], &[0]].concat(),
            None => return Ok(count),
        }
    }
}

macro_rules! forward {
    ($pointer:ty) => {
        impl<S: Reader + ?Sized> Reader for $pointer {
            fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
                (**self).get(table, key)
            }

            fn scan(
                &self,
                table: Table,
                from: &[u8],
                to: &[u8],
                direction: Direction,
                limit: usize,
            ) -> Result<Vec<Pair>, StoreError> {
                (**self).scan(table, from, to, direction, limit)
            }
        }

        impl<S: Store + ?Sized> Store for $pointer {
            fn write(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
                (**self).write(batch, durability)
            }

            fn expect_snapshot(&self) {
                (**self).expect_snapshot();
            }

            fn take_snapshot(&self, number: u64) -> Result<(), StoreError> {
                (**self).take_snapshot(number)
            }

            fn snapshots(&self) -> Result<Vec<u64>, StoreError> {
                (**self).snapshots()
            }

            fn snapshot(&self, number: u64) -> Result<Option<Arc<dyn Reader + Send + Sync>>, StoreError> {
                (**self).snapshot(number)
            }

            fn remove_snapshot(&self, number: u64) -> Result<(), StoreError> {
                (**self).remove_snapshot(number)
            }

            fn view(&self) -> Box<dyn Reader + '_> {
                (**self).view()
            }

            fn remove_snapshots(&self) -> Result<(), StoreError> {
                (**self).remove_snapshots()
            }

            fn stored_bytes(&self) -> Result<u64, StoreError> {
                (**self).stored_bytes()
            }
        }
    };
}

forward!(&S);
forward!(Arc<S>);
