//! The high-water mark: how far a replica's own records went, kept apart from them, with a second copy of the last.

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

/// A mark, and a second copy of the last records: of those that were written together with it, and of those that need not be on the disk anywhere
/// else yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Marked {
    /// How far the records go.
    pub mark: Mark,
    /// What the last of them hold, up to the one that the mark names; none if all were durable where they belong before the mark was.
    pub tail: Vec<Vec<u8>>,
}

impl Marked {
    /// What a tail may take, each record with four bytes for its length. A mark has to be small: it is written as often as the
    /// records are.
    pub const ROOM: usize = 64 * 1024;

    /// What the tail takes.
    pub fn bytes(&self) -> usize {
        self.tail.iter().map(|record| record.len().saturating_add(4)).fold(0, usize::saturating_add)
    }

    /// Whether there is room for the tail.
    pub fn fits(&self) -> bool {
        self.bytes() <= Self::ROOM
    }

    /// Itself, or without its tail if there is no room for that.
    pub(crate) fn with_room(self) -> Self {
        if self.fits() { self } else { self.mark.into() }
    }

    /// The error for a tail without room.
    pub(crate) fn must_fit(&self) -> Result<(), StoreError> {
        if self.fits() {
            return Ok(());
        }
        let reason = format!("a tail of {} bytes does not fit into {}", self.bytes(), Self::ROOM);
        Err(StoreError::Io { doing: "Setting the high-water mark".to_owned(), reason })
    }

    /// The last record in front of the tail: the mark was not written before all of them up to it were durable where they belong.
    pub fn settled(&self) -> u64 {
        self.mark.index.saturating_sub(self.tail.len() as u64)
    }

    /// The records behind the one of this index, as far as the mark goes; `None` if some of them are not here.
    pub fn behind(&self, index: u64) -> Option<&[Vec<u8>]> {
        let count = usize::try_from(self.mark.index.checked_sub(index)?).ok()?;
        self.tail.get(self.tail.len().checked_sub(count)?..)
    }
}

impl From<Mark> for Marked {
    /// Without a second copy of anything.
    fn from(mark: Mark) -> Self {
        Self { mark, tail: Vec::new() }
    }
}

/// What is written while a mark is.
pub type Beside<'a> = Box<dyn FnOnce() -> Result<(), StoreError> + 'a>;

/// Remembers one [`Mark`], durably, and never an older one than it had.
pub trait HighWaterMark: Send {
    /// The mark with its tail, or `None` if none was ever set: what was once made ready for a journal has lost it then.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it cannot be read.
    fn read(&self) -> Result<Option<Marked>, StoreError>;

    /// Sets the mark, without a tail; durable once this returns. Setting it to what it already is does nothing.
    ///
    /// # Errors
    /// As for [`advance_with`](Self::advance_with).
    fn advance(&mut self, mark: Mark) -> Result<(), StoreError> {
        self.advance_with(mark.into())
    }

    /// Sets the mark with its tail, which must [fit](Marked::fits); durable once this returns. Setting it to what it already is does nothing.
    ///
    /// # Errors
    /// [`StoreError::MarkBehind`] if the mark is older than the one held, or of the same index with another chain: the old one
    /// stays, and the next advance may succeed; so it is with [`StoreError::Io`] for a tail without room. [`StoreError::Io`] or
    /// [`StoreError::Full`] if writing failed, and from then on [`StoreError::Poisoned`].
    fn advance_with(&mut self, marked: Marked) -> Result<(), StoreError>;

    /// Sets the mark with its tail while `beside` writes the same records where they belong; both is done when
    /// this returns. A crash meanwhile leaves either, both or none. If there is [no room](Marked::fits) for the tail, the mark waits for `beside` and is set
    /// without it: then it is never there alone.
    ///
    /// # Errors
    /// As for [`advance_with`](Self::advance_with), and what `beside` said; of two errors that one. A mark that would go back, or takes no more,
    /// keeps `beside` from being done. If `beside` failed, the mark may be set or not.
    fn advance_beside(&mut self, marked: Marked, beside: Beside<'_>) -> Result<(), StoreError>;
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
    marked: Option<Marked>,
    /// One that was interrupted, or beside which something failed: not visible, perhaps there after a crash.
    doubtful: Option<Marked>,
    /// There is no room to write it.
    full: bool,
    /// The power fails while it is written.
    interrupted: bool,
}

impl MemoryMark {
    /// One for a journal that begins.
    pub fn at_origin() -> Self {
        let mark = Self::default();
        mark.restore(Some(Mark::ORIGIN.into()));
        mark
    }

    /// What a backup taken now would hold.
    pub fn image(&self) -> Option<Marked> {
        self.lock().marked.clone()
    }

    /// Puts a backup in its place, older or not, as nothing but a test should.
    pub fn restore(&self, image: Option<Marked>) {
        let mut held = self.lock();
        (held.marked, held.doubtful) = (image, None);
    }

    /// From now on there is no room for another mark, until `false`.
    pub fn fill(&self, full: bool) {
        self.lock().full = full;
    }

    /// From now on the power fails while a mark is written, until `false`: whether it is there afterwards, a crash decides.
    pub fn interrupt(&self, interrupted: bool) {
        self.lock().interrupted = interrupted;
    }

    /// Makes it one that was never set, as if its file had been removed.
    pub fn clear(&self) {
        self.restore(None);
    }

    /// Whether a mark was being written when the power failed, or what was written beside it did: a crash leaves it or not.
    pub fn is_doubtful(&self) -> bool {
        self.lock().doubtful.is_some()
    }

    /// The node loses its power: if a mark was being written, it is there now or never will be.
    pub fn crash(&self, survives: bool) {
        let mut held = self.lock();
        let doubtful = held.doubtful.take().filter(|_| survives);
        if doubtful.is_some() {
            held.marked = doubtful;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Whether it has to be written, for which there may be no room.
    fn takes(&self, mark: Mark) -> Result<bool, StoreError> {
        let is_newer = is_newer(self.marked.as_ref().map(|held| held.mark), mark)?;
        if is_newer && self.full {
            let doing = "Writing the simulated mark".to_owned();
            return Err(StoreError::Full { doing, reason: "it was told to be full".to_owned() });
        }
        Ok(is_newer)
    }

    fn set(&mut self, marked: Marked) {
        (self.marked, self.doubtful) = (Some(marked), None);
    }
}

impl HighWaterMark for MemoryMark {
    fn read(&self) -> Result<Option<Marked>, StoreError> {
        Ok(self.image())
    }

    fn advance_with(&mut self, marked: Marked) -> Result<(), StoreError> {
        marked.must_fit()?;
        let mut held = self.lock();
        if !held.takes(marked.mark)? {
            return Ok(());
        }
        if held.interrupted {
            held.doubtful = Some(marked);
            let doing = "Writing the simulated mark".to_owned();
            return Err(StoreError::Io { doing, reason: "it was told to lose its power meanwhile".to_owned() });
        }
        held.set(marked);
        Ok(())
    }

    fn advance_beside(&mut self, marked: Marked, beside: Beside<'_>) -> Result<(), StoreError> {
        let taken = self.lock().takes(marked.mark);
        if let Err(error @ StoreError::MarkBehind { .. }) = taken {
            return Err(error);
        }
        if !marked.fits() {
            beside()?;
            return self.advance(marked.mark);
        }
        // As with a file, that is done whether or not there turns out to be room for the mark.
        let done = beside();
        let mut held = self.lock();
        match (taken, done) {
            (Ok(true), Ok(())) => held.set(marked),
            (Ok(true), Err(error)) => {
                held.doubtful = Some(marked);
                return Err(error);
            }
            (taken, done) => return done.and(taken.map(|_| ())),
        }
        Ok(())
    }
}
