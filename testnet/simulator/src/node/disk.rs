//! A node's disk: what outlives its crashes.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use tetrarch_storage::{
    Direction, Durability, FailureKind, FaultyStore, Image, JOURNAL, Mark, Marked, MemoryMark, Reader, Store,
    StoreError, Table, Taken, WriteBatch,
};

use super::fault::{Fault, Halt, Trap};
use crate::chain::Chain;
use crate::faults::{CrashPoint, WritePoint};
use crate::rng::Rng;

/// Rows by table and key.
type Rotten = Vec<(Table, Vec<u8>)>;

/// Synced writes that a torn sector takes with it, at most.
const SECTOR: u64 = 3;

/// A store and the high-water mark beside it.
#[derive(Clone)]
pub struct Disk {
    /// The tables.
    pub store: Arc<FaultyStore>,
    /// The mark; clones share it.
    pub mark: MemoryMark,
    /// Rows that cannot be read: the database itself would know them by their block.
    rotten: Rc<RefCell<Rotten>>,
    /// What may rot: every table but the journal.
    pub(super) tables: Rc<[Table]>,
    /// Where writes are to fail.
    traps: Rc<RefCell<BTreeMap<WritePoint, Trap>>>,
    /// While the disk lies about fsyncs: the mark that it really holds.
    lie: Rc<RefCell<Option<Option<Marked>>>>,
}

/// A copy of a whole disk.
#[derive(Clone)]
pub struct Backup {
    store: Image,
    mark: Option<Marked>,
    rotten: Rotten,
}

/// How a journal stands on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEnds {
    /// The last entry that was forgotten.
    pub base: u64,
    /// The last entry in the store.
    pub stored: u64,
    /// The last entry there is, perhaps only beside the mark.
    pub last: u64,
    /// The last entry that the mark vouches for, if there is a mark.
    pub marked: Option<u64>,
}

impl JournalEnds {
    /// Whether entries that the mark vouched for are gone.
    pub fn has_lost_since(&self, before: &Self) -> bool {
        before.marked.is_some_and(|marked| self.last < marked)
    }

    /// Whether the last append is there beside the mark alone.
    pub const fn is_mended(&self) -> bool {
        self.stored < self.last
    }

    /// Whether the mark shows that something is wrong.
    pub fn shows(&self) -> bool {
        self.marked.is_none_or(|marked| marked > self.last || marked < self.base)
    }
}

impl Disk {
    /// An empty disk for these tables and a journal, not made ready for any chain.
    pub fn new(tables: Vec<Table>) -> Self {
        let (store, mark) = (Arc::default(), MemoryMark::default());
        let (rotten, traps, lie) = (Rc::default(), Rc::default(), Rc::default());
        Self { store, mark, rotten, tables: tables.into(), traps, lie }
    }

    /// Makes it ready for a chain, as a program of its own does: when the node opens the database, what was written is no longer in
    /// its log.
    ///
    /// # Errors
    /// A sentence, if it cannot be written.
    pub fn init(&self, chain: &Chain) -> Result<(), String> {
        // As `node init` does it: a replica without a mark has lost it.
        self.mark.restore(Some(Mark::ORIGIN.into()));
        super::recovery::init(self, chain).map_err(|error| error.to_string())?;
        self.store.flush();
        Ok(())
    }

    /// The power fails: of what was not synced a random part survives, the oldest first. Of an append that was under way, the mark
    /// survives or not, whatever became of its entries: they are two files.
    pub fn crash(&self, point: Option<CrashPoint>, rng: &mut Rng) -> Taken {
        let taken = self.crash_files(point, rng);
        if self.mark.is_doubtful() {
            self.mark.crash(rng.chance(5_000));
        }
        taken
    }

    fn crash_files(&self, point: Option<CrashPoint>, rng: &mut Rng) -> Taken {
        if let Some(Some(mark)) = self.lie.take().map(|mark| rng.chance(5_000).then_some(mark)) {
            self.mark.restore(mark);
        }
        match point {
            // The first that does not survive is the torn one.
            Some(CrashPoint::Torn { sector: false }) => self.store.crash(|unsynced| rng.index(unsynced)),
            Some(CrashPoint::Torn { sector: true }) => self.store.crash_torn(|_| 0, rng.between(1, SECTOR) as usize),
            _ => self.store.crash(|unsynced| rng.index(unsynced + 1)),
        }
    }

    /// From now on it only says that fsyncs are done, until the next crash.
    pub fn lie_about_fsync(&self) {
        self.store.lie_about_fsync(true);
        self.lie.borrow_mut().get_or_insert_with(|| self.mark.image());
    }

    /// Whether it lies.
    pub fn is_lying(&self) -> bool {
        self.lie.borrow().is_some()
    }

    /// It works as it should: it syncs what it only said to have synced, and takes every write.
    pub fn heal(&self) {
        self.store.lie_about_fsync(false);
        self.lie.take();
        self.traps.borrow_mut().clear();
    }

    /// Makes a later write fail, unless one at that point is to fail already.
    pub fn set_trap(&self, trap: Trap) {
        self.traps.borrow_mut().entry(trap.point).or_insert(trap);
    }

    /// Does something that writes at a point, where the writing may be made to fail. Says as what a failure counts.
    pub(super) fn at<T, E: Into<Fault>>(
        &self,
        point: WritePoint,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Fault> {
        let trap = self.trap_at(point);
        if let Some(trap) = trap {
            self.arm(&trap, true);
        }
        let done = work().map_err(Into::into);
        if let Some(trap) = trap {
            self.arm(&trap, false);
        }
        match (done, trap) {
            (Err(Fault::Halted(_)), Some(trap)) => {
                self.traps.borrow_mut().remove(&trap.point);
                Err(Fault::Halted(trap.halt()))
            }
            (Err(Fault::Halted(halt)), None) => Err(Fault::Halted(Halt { name: point.name(), ..halt })),
            (done, _) => done,
        }
    }

    /// What is to fail at a point. The mark is written where the journal is, beside it.
    fn trap_at(&self, point: WritePoint) -> Option<Trap> {
        let traps = self.traps.borrow();
        let of_mark = traps.get(&WritePoint::Mark).filter(|_| point == WritePoint::Journal);
        traps.get(&point).or(of_mark).copied()
    }

    /// Does something that takes a snapshot, for which there may be no room; the result tells whether there was.
    pub(super) fn with_snapshot<T>(&self, work: impl FnOnce() -> T, is_taken: impl FnOnce(&T) -> bool) -> T {
        let is_full = self.trap_at(WritePoint::Snapshot).is_some();
        self.store.refuse_snapshots(is_full);
        let done = work();
        self.store.refuse_snapshots(false);
        if is_full && !is_taken(&done) {
            self.traps.borrow_mut().remove(&WritePoint::Snapshot);
        }
        done
    }

    fn arm(&self, trap: &Trap, is_armed: bool) {
        if trap.point == WritePoint::Mark {
            self.mark.fill(is_armed);
        } else {
            self.store.fail_writes(is_armed.then_some((trap.passes, trap.kind())));
        }
    }

    /// Does something that writes; the first write, if the store takes any, reaches the disk's cache, and the mark the disk or not, but the power
    /// fails before they are synced.
    pub fn interrupting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.store.fail_writes(Some((0, FailureKind::FsyncLost)));
        self.mark.interrupt(true);
        let done = work();
        self.mark.interrupt(false);
        self.store.fail_writes(None);
        done
    }

    /// How the journal stands.
    pub fn journal_ends(&self) -> JournalEnds {
        let base = self.store.get(JOURNAL, &0_u64.to_be_bytes()).ok().flatten();
        let base = base.and_then(|value| value.first_chunk().copied()).map_or(0, u64::from_le_bytes);
        let rows = self.store.scan(JOURNAL, &[], &[], Direction::Descending, 1).unwrap_or_default();
        let last = rows.first().and_then(|(key, _)| key.first_chunk().copied()).map_or(0, u64::from_be_bytes);
        let (stored, held) = (last.max(base), self.mark.image());
        // What was appended last is beside the mark as well.
        let is_mended = |held: &&Marked| (held.settled()..held.mark.index).contains(&stored);
        let last = held.as_ref().filter(is_mended).map_or(stored, |held| held.mark.index);
        JournalEnds { base, stored, last, marked: held.map(|held| held.mark.index) }
    }

    /// A copy of what is durable.
    pub fn back_up(&self) -> Backup {
        Backup { store: self.store.image(), mark: self.mark.image(), rotten: self.rotten().clone() }
    }

    /// Puts a copy in the place of what is there.
    pub fn restore(&self, backup: &Backup) {
        self.store.restore(&backup.store);
        self.mark.restore(backup.mark.clone());
        self.rotten().clone_from(&backup.rotten);
    }

    /// Whether something cannot be read, noticed or not.
    pub fn has_rot(&self) -> bool {
        self.rotten().iter().any(|(table, key)| self.store.get(*table, key).is_err())
    }

    /// Leaves behind what cannot be read, as copying the rest into a new database does, which is whole in its files when it takes the place of
    /// the old one.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn salvage(&self) -> Result<(), StoreError> {
        let mut batch = WriteBatch::new();
        // What was written since is whole again.
        self.rotten().retain(|(table, key)| self.store.get(*table, key).is_err());
        self.rotten().iter().for_each(|(table, key)| batch.delete(*table, key.clone()));
        self.store.write(batch, Durability::Synced)?;
        self.store.flush();
        self.rotten().clear();
        Ok(())
    }

    pub(super) fn rotten(&self) -> RefMut<'_, Rotten> {
        self.rotten.borrow_mut()
    }
}
