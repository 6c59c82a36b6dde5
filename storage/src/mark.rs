//! The high-water mark: how far a replica's own records went, kept apart from them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::StoreError;

/// The last record known to be durable: its index, and the hash chain over all records through it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The record's index.
    pub index: u64,
    /// The chain's value after that record.
    pub chain: [u8; 32],
}

impl Mark {
    /// Where every journal begins, in front of its first record. Whoever makes a replica's disk sets the mark here before anything
    /// can be said that rests on the journal, so that a mark which is not there was lost.
    pub const ORIGIN: Self = Self { index: 0, chain: [0; 32] };
}

/// Remembers one [`Mark`], durably, and never an older one than it had.
pub trait HighWaterMark: Send {
    /// The mark, or `None` if none was ever set: what was once made ready for a journal has lost it then.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it cannot be read.
    fn read(&self) -> Result<Option<Mark>, StoreError>;

    /// Sets the mark; durable once this returns. Setting it to what it already is does nothing.
    ///
    /// # Errors
    /// [`StoreError::MarkBehind`] if `mark` is older than the one held, or of the same index with another chain: the old one
    /// stays, and the next advance may succeed. [`StoreError::Io`] or [`StoreError::Full`] if writing failed, and from then on
    /// [`StoreError::Poisoned`].
    fn advance(&mut self, mark: Mark) -> Result<(), StoreError>;
}

/// Whether `mark` must be written: `Ok(false)` if it is the one held already, an error if it would go back.
pub(crate) fn is_newer(held: Option<Mark>, mark: Mark) -> Result<bool, StoreError> {
    match held {
        Some(held) if held == mark => Ok(false),
        Some(held) if mark.index <= held.index => Err(StoreError::MarkBehind { held: held.index, offered: mark.index }),
        _ => Ok(true),
    }
}

/// A mark in memory, for tests and the simulator, that was never set at first. Clones share it, so that it outlives a simulated crash.
#[derive(Clone, Default, Debug)]
pub struct MemoryMark {
    held: Arc<Mutex<Held>>,
}

#[derive(Default, Debug)]
struct Held {
    mark: Option<Mark>,
    /// There is no room to write it.
    full: bool,
}

impl MemoryMark {
    /// One for a journal that begins.
    pub fn at_origin() -> Self {
        let mark = Self::default();
        mark.restore(Some(Mark::ORIGIN));
        mark
    }

    /// What a backup taken now would hold.
    pub fn image(&self) -> Option<Mark> {
        self.lock().mark
    }

    /// Puts a backup in its place, older or not, as nothing but a test should.
    pub fn restore(&self, image: Option<Mark>) {
        self.lock().mark = image;
    }

    /// From now on there is no room for another mark, until `false`.
    pub fn fill(&self, full: bool) {
        self.lock().full = full;
    }

    /// Makes it one that was never set, as if its file had been removed.
    pub fn clear(&self) {
        self.restore(None);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HighWaterMark for MemoryMark {
    fn read(&self) -> Result<Option<Mark>, StoreError> {
        Ok(self.lock().mark)
    }

    fn advance(&mut self, mark: Mark) -> Result<(), StoreError> {
        let mut held = self.lock();
        if !is_newer(held.mark, mark)? {
            return Ok(());
        }
        if held.full {
            let doing = "Writing the simulated mark".to_owned();
            return Err(StoreError::Full { doing, reason: "it was told to be full".to_owned() });
        }
        held.mark = Some(mark);
        Ok(())
    }
}
