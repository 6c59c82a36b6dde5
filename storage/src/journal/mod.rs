//! A journal that notices when the disk lost or changed some of it.
//!
//! ```text
//!   key (u64 big-endian)   value
//!   0                      base: index of the last forgotten entry, u64 little-endian │ its chain value 32   (once truncated)
//!   1, 2, 3, ...           entry: chain value 32 │ payload
//!
//!   chain(0) = 32 zero bytes                                 (where the mark of a new journal stands: Mark::ORIGIN)
//!   chain(i) = SHA-256( length of the tag, u64 little-endian │ tag │ chain(i-1) │ i, u64 little-endian │ payload )
//! ```
//!
//! The chain tells an entry that was changed, moved or taken out of the middle. It cannot tell a missing tail, since what is
//! left of it is still a chain; the [`HighWaterMark`] does, which is kept apart and says how far the entries went. It has a copy of all
//! that the store may still lose: its *tail*.
//!
//! ```text
//!   append         store ├── entries, synced ─────────┤                              an entry is nowhere before all that the store
//!                  mark                                ├── mark and tail, synced ─┤   was given in front of it is durable
//!
//!   append_later   mark  ├── mark and tail, synced ─┤
//!                  store                              untold, until the next append, or a moment with nothing to do
//!
//!   append_later   mark  ├── mark and tail, synced ─┤             of more than may be left to the mark
//!                  store ├── entries, synced ─────────┤
//! ```
//!
//! Nothing is said before all of it is durable: then each entry is in two files, or was in two when it was said.
//!
//! What a crash can leave, and what `open` makes of it:
//!
//! 1. *A mark ahead of the last entry by nothing but its tail*: the crash came inside an `append_later`, and of the two only the mark became
//!    durable; or entries had been left to it, and the store was not told yet or had not synced them; or the end of the store's log was lost later. The mark's chain value stands for every entry up to it, so a tail that
//!    leads there from the last entry is what was appended: it is written to the store.
//! 2. *A mark behind the last entry*: of the two only the store's write became durable. The entries were never acknowledged, and are
//!    adopted.
//! 3. *A mark at the last entry*: they are both there, but only one of them need be durable, as after a process was killed inside an
//!    append. So entries that the mark's tail has, or that are behind the mark, are written once more, synced, whatever shows: they may be
//!    in the kernel's cache only, or their fsync may have failed.
//! 4. *Entries that had been truncated*: the truncation was buffered and lost, with its base, since the two are one batch.
//!    They are returned again. An append after a truncation, if it settles, makes it durable.
//!
//! What it cannot leave, so that `open` refuses it:
//!
//! 5. *No mark*: whoever makes a disk ready for a journal sets it to `Mark::ORIGIN` first. So a node that lost its mark and all
//!    its entries does not look like one that never ran.
//! 6. *A mark ahead of the last entry by more than its tail, or with a tail that does not lead there*: what the store may lose is in every
//!    mark that is written. An append that is too large for that syncs the store before it advances the mark without a tail.
//! 7. *A mark behind the base*: only entries that the mark had reached are ever forgotten.
//! 8. *A hole*: the store keeps a batch whole, and loses none before one that it keeps.
//!
//! Entries below the base cannot be left either; they do no harm, and are deleted once the chain and the mark have proved
//! the base right.
//!
//! A replica that lost its records [starts over](Journal::start_over) once its peers have told it what it may have said.

mod chain;
mod check;
mod error;
mod mending;
mod reading;
mod rows;
mod start_over;

use chain::Chain;
pub use check::{JournalReport, check_journal};
pub use error::JournalError;
use mending::{adopt, mend, sweep};
use reading::{read_base, walk};
use rows::{BASE_KEY, after, encode_base, key, put_entries};
pub use rows::{Entry, JOURNAL};

use crate::{Durability, HighWaterMark, Marked, Store, StoreError, WriteBatch};

/// An append-only sequence of records over a [`Store`], whose acknowledged entries survive power failures, and whose damage
/// or loss is found by [`open`](Self::open).
///
/// It keeps 32 bytes in memory for each entry that it has not forgotten. After a failed write it refuses every later one.
pub struct Journal<S: Store> {
    store: S,
    mark: Box<dyn HighWaterMark>,
    chain: Chain,
    /// The last entries, as far as the store need not have them on the disk yet.
    unsettled: Vec<Vec<u8>>,
    /// Their rows, as far as the store was not told of them yet.
    untold: WriteBatch,
    stopped: bool,
}

/// What the mark alone may have on the disk, in bytes: each append writes all of it again.
const UNSETTLED: usize = 12 * 1024;

impl<S: Store> Journal<S> {
    /// Opens the journal, checks every entry against the hash chain and the chain against the mark, and returns the entries
    /// in order, with those of the last append if only the mark still has them. All of them are durable, and the mark stands at the
    /// last. Of a new journal there are no rows, and the mark stands at [`Mark::ORIGIN`](crate::Mark::ORIGIN).
    ///
    /// Entries older than the last truncation may be among them, if a crash lost it.
    ///
    /// # Errors
    /// Any [`JournalError`] but [`Stopped`](JournalError::Stopped) and [`NotReached`](JournalError::NotReached). Nothing is
    /// written before everything has been checked.
    pub fn open(store: S, mut mark: Box<dyn HighWaterMark>) -> Result<(Self, Vec<Entry>), JournalError> {
        let mut chain = Chain::new(read_base(&store)?);
        let mut entries = Vec::new();
        walk(&store, &mut chain, &mut |entry| entries.push(entry))?;
        let held = mark.read()?;
        entries.extend(held.iter().flat_map(|held| mend(&mut chain, held)));
        chain.agrees(held.as_ref().map(|held| held.mark))?;
        let settled = held.map_or(0, |held| held.settled());
        adopt(&store, &chain, entries.iter().filter(|entry| entry.index > settled))?;
        mark.advance(chain.tip())?;
        sweep(&store, chain.base.index)?;
        Ok((Self { store, mark, chain, unsettled: Vec::new(), untold: WriteBatch::new(), stopped: false }, entries))
    }

    /// Begins anew, for a replica that lost its records and has got back from its peers what it may have said: forgets all
    /// entries, whatever their condition and the mark's, and goes on behind every index that the mark or a readable row ever
    /// named. So the mark moves forward, and no entry from before can ever be taken for one written later. The entries of `first` are
    /// there from the moment on at which nothing older is: a note of the loss cannot be lost between the two.
    ///
    /// If it fails or a crash interrupts it, [`open`](Self::open) either finds what was there before, or refuses with
    /// [`JournalError::MarkOlder`] or [`JournalError::MarkMissing`]; and it can be called again.
    ///
    /// # Errors
    /// [`JournalError::Store`] if the store or the mark failed to write, or the mark to be read. Rows that cannot be read are
    /// no error.
    pub fn start_over(store: S, mut mark: Box<dyn HighWaterMark>, first: &[Vec<u8>]) -> Result<Self, JournalError> {
        let chain = start_over::start_over(&store, mark.read()?.map(|held| held.mark), first)?;
        mark.advance(chain.tip())?;
        Ok(Self { store, mark, chain, unsettled: Vec::new(), untold: WriteBatch::new(), stopped: false })
    }

    /// Appends `entries`, and all that the store was not told yet, in one synced write, advances the mark with a copy of them behind it, and
    /// returns the index of the first. Once it has returned, they survive a power failure. Whenever they do, so does all that was written to
    /// the store before, also if the power fails meanwhile: they may vouch for it. If the mark has no room for them, it is advanced without.
    /// Of no entries, it does nothing.
    ///
    /// # Errors
    /// [`JournalError::Store`] if the store or the mark failed: whether the entries will be there when the journal is opened
    /// again is not known, and until then it answers [`JournalError::Stopped`].
    pub fn append(&mut self, entries: Vec<Vec<u8>>) -> Result<u64, JournalError> {
        self.append_with(entries, Self::settle)
    }

    /// Appends `entries` to the mark alone: it has them on the disk when this returns. The store is told of them by the next append that
    /// settles, which is this one if the copies come to more than 12 KiB, or by [`tell`](Self::tell). So they survive a power failure; what else was
    /// written to the store since the last append that settled may not.
    ///
    /// # Errors
    /// As for [`append`](Self::append).
    pub fn append_later(&mut self, entries: Vec<Vec<u8>>) -> Result<u64, JournalError> {
        self.append_with(entries, Self::leave_or_settle)
    }

    fn append_with(
        &mut self,
        entries: Vec<Vec<u8>>,
        keep: impl FnOnce(&mut Self, Marked) -> Result<(), StoreError>,
    ) -> Result<u64, JournalError> {
        self.refuse_if_stopped()?;
        let first = self.next();
        if entries.is_empty() {
            return Ok(first);
        }
        let links = put_entries(&mut self.untold, self.chain.tip(), &entries);
        let mark = links.last().copied().unwrap_or(self.chain.tip());
        // Whatever the store may still lose is in the mark, in every one that is written.
        let mut tail = std::mem::take(&mut self.unsettled);
        tail.extend(entries);
        self.stopped = true;
        keep(self, Marked { mark, tail })?;
        self.stopped = false;
        self.chain.extend(&links);
        Ok(first)
    }

    /// All is written to the store, and synced there before the mark has it: a record that only the mark has would be restored without
    /// what it vouches for. Nothing is left.
    fn settle(&mut self, marked: Marked) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut self.untold);
        self.store.write(rows, Durability::Synced)?;
        self.mark.advance_with(marked.with_room())
    }

    /// All is left to the mark, if that is little; or written to the store, and synced there while the mark is.
    fn leave_or_settle(&mut self, marked: Marked) -> Result<(), StoreError> {
        if marked.bytes() <= UNSETTLED {
            return self.leave(marked);
        }
        let rows = std::mem::take(&mut self.untold);
        let write = Box::new(|| self.store.write(rows, Durability::Synced));
        self.mark.advance_beside(marked, write)
    }

    /// All is left to the mark.
    fn leave(&mut self, marked: Marked) -> Result<(), StoreError> {
        self.unsettled.clone_from(&marked.tail);
        self.mark.advance_with(marked)
    }

    /// Writes to the store what was left to the mark so far, without a sync: then the kernel brings it to the disk in its own time, and a mark that
    /// rots takes nothing with it. For moments in which there is nothing else to do.
    ///
    /// # Errors
    /// [`JournalError::Store`] if the store failed; from then on [`JournalError::Stopped`].
    pub fn tell(&mut self) -> Result<(), JournalError> {
        self.refuse_if_stopped()?;
        let rows = std::mem::take(&mut self.untold);
        if rows.is_empty() { Ok(()) } else { self.write_unsynced(rows) }
    }

    fn write_unsynced(&mut self, rows: WriteBatch) -> Result<(), JournalError> {
        self.stopped = true;
        self.store.write(rows, Durability::Buffered)?;
        self.stopped = false;
        Ok(())
    }

    /// Forgets the entries below `index`, which may be all of them. This is not synced: a crash before the next append may
    /// undo it.
    ///
    /// # Errors
    /// [`JournalError::NotReached`] if `index` is above [`next`](Self::next), and nothing is forgotten.
    /// [`JournalError::Store`] if the store failed; from then on [`JournalError::Stopped`].
    pub fn truncate_before(&mut self, index: u64) -> Result<(), JournalError> {
        self.refuse_if_stopped()?;
        if index <= self.first() {
            return Ok(());
        }
        let not_reached = JournalError::NotReached { index, next: self.next() };
        let base = self.chain.at(index - 1).ok_or(not_reached)?;
        // In one batch, so that no row comes back behind it.
        let mut batch = std::mem::take(&mut self.untold);
        batch.delete_range(JOURNAL, key(self.first()), key(index));
        batch.put(JOURNAL, key(BASE_KEY), encode_base(base));
        self.write_unsynced(batch)?;
        self.chain.rebase(base);
        Ok(())
    }

    /// The oldest entry kept; the same as [`next`](Self::next) if none is.
    pub fn first(&self) -> u64 {
        after(self.chain.base.index)
    }

    /// The index that the next entry will get.
    pub fn next(&self) -> u64 {
        after(self.chain.tip().index)
    }

    fn refuse_if_stopped(&self) -> Result<(), JournalError> {
        if self.stopped { Err(JournalError::Stopped) } else { Ok(()) }
    }
}
