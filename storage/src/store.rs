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
        }
    };
}

forward!(&S);
forward!(Arc<S>);
