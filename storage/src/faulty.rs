//! A disk that forgets, fails and rots exactly when it is told to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{Direction, Durability, Pair, Reader, Store};
use crate::tables::Tables;
use crate::{Operation, StoreError, Table, WriteBatch};

/// What a write that [`FaultyStore::fail_write_at`] chose does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// Fails with [`StoreError::Io`]; nothing of it reaches the disk.
    Io,
    /// Fails with [`StoreError::Full`]; nothing of it reaches the disk.
    Full,
    /// Reaches the disk's cache, but its fsync fails, with [`StoreError::Io`]: reads do not see it, and whether it is there
    /// after a crash is for the crash to say, as for all unsynced writes before it. A buffered write has no fsync to
    /// lose, so the failure then waits for the next synced one.
    FsyncLost,
}

/// What has happened to a [`FaultyStore`] since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FaultCounters {
    /// Writes that succeeded.
    pub writes: u64,
    /// Of these, the synced ones.
    pub syncs: u64,
    /// Writes that failed because they were told to.
    pub failures: u64,
    /// Writes refused because an earlier one had failed.
    pub refused: u64,
    /// Crashes.
    pub crashes: u64,
    /// Writes that crashes lost.
    pub lost: u64,
    /// Bits flipped.
    pub corruptions: u64,
}

/// Tables in memory over a disk in memory: writes are visible at once, and survive [`crash`](Self::crash) as the caller
/// chooses unless they were synced. It makes no choice of its own, so the same calls give the same store.
///
/// It knows every table. To simulate a restart, keep it in an `Arc`, crash it, and open the node on it again.
#[derive(Default, Debug)]
pub struct FaultyStore {
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    /// What reads see.
    visible: Tables,
    /// What no crash takes away.
    durable: Tables,
    /// The writes between the two, oldest first.
    unsynced: Vec<WriteBatch>,
    /// A write whose fsync failed: younger than all unsynced ones, not visible, perhaps there after a crash.
    doubtful: Option<WriteBatch>,
    poisoned: bool,
    /// Writes that were attempted on a store not poisoned.
    attempts: u64,
    /// By the attempt that is to fail.
    planned: BTreeMap<u64, FailureKind>,
    counters: FaultCounters,
}

impl FaultyStore {
    /// An empty store, with no failure planned.
    pub fn new() -> Self {
        Self::default()
    }

    /// The node loses its power: of the unsynced writes, whose number `keep` is given, the oldest survive, as many as it
    /// answers (at most all); each wholly or not at all. Poison is cleared; failures planned for later writes stay planned.
    ///
    /// `|_| 0` is the worst a power failure can do, `|unsynced| unsynced` is the death of the process alone.
    pub fn crash(&self, mut keep: impl FnMut(usize) -> usize) {
        let mut state = self.lock();
        let kept = keep(state.unsynced_len());
        state.crash(kept);
    }

    /// How many writes a crash could lose now, among them one whose fsync failed.
    pub fn unsynced(&self) -> usize {
        self.lock().unsynced_len()
    }

    /// Makes the `nth` write from now fail, 0 being the next. Writes refused by a poisoned store do not count. A second
    /// plan for the same write replaces the first.
    pub fn fail_write_at(&self, nth: u64, kind: FailureKind) {
        let mut state = self.lock();
        let attempt = state.attempts.saturating_add(nth);
        state.planned.insert(attempt, kind);
    }

    /// Flips the lowest bit of a byte of the value that reads now give for `key`, in memory and on the disk, as bit rot
    /// that no checksum notices. Whether there was such a byte.
    pub fn corrupt(&self, table: Table, key: &[u8], at_byte: usize) -> bool {
        self.lock().corrupt(table, key, at_byte)
    }

    /// What has happened so far.
    pub fn counters(&self) -> FaultCounters {
        self.lock().counters
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn unsynced_len(&self) -> usize {
        self.unsynced.len() + usize::from(self.doubtful.is_some())
    }

    fn crash(&mut self, kept: usize) {
        let mut writes = std::mem::take(&mut self.unsynced);
        writes.extend(self.doubtful.take());
        let kept = kept.min(writes.len());
        self.counters.crashes += 1;
        self.counters.lost += (writes.len() - kept) as u64;
        self.durable.apply(writes.into_iter().take(kept).flat_map(WriteBatch::into_operations));
        self.visible = self.durable.clone();
        self.poisoned = false;
    }

    fn write(&mut self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        if self.poisoned {
            self.counters.refused += 1;
            return Err(StoreError::Poisoned);
        }
        let attempt = self.attempts;
        self.attempts += 1;
        match (self.planned.remove(&attempt), durability) {
            (Some(FailureKind::FsyncLost), Durability::Buffered) => self.postpone_lost_fsync(),
            (Some(kind), _) => return Err(self.fail(kind, batch)),
            (None, _) => {}
        }
        self.accept(batch, durability);
        Ok(())
    }

    /// To the next write, unless that is to fail anyway.
    fn postpone_lost_fsync(&mut self) {
        self.planned.entry(self.attempts).or_insert(FailureKind::FsyncLost);
    }

    fn fail(&mut self, kind: FailureKind, batch: WriteBatch) -> StoreError {
        self.poisoned = true;
        self.counters.failures += 1;
        let doing = "Writing to the simulated disk".to_owned();
        match kind {
            FailureKind::Io => StoreError::Io { doing, reason: "it was told to fail".to_owned() },
            FailureKind::Full => StoreError::Full { doing, reason: "it was told to be full".to_owned() },
            FailureKind::FsyncLost => {
                self.doubtful = Some(batch);
                StoreError::Io { doing, reason: "it was told to lose an fsync".to_owned() }
            }
        }
    }

    fn accept(&mut self, batch: WriteBatch, durability: Durability) {
        self.visible.apply(batch.operations().iter().cloned());
        self.unsynced.push(batch);
        self.counters.writes += 1;
        if durability == Durability::Synced {
            self.counters.syncs += 1;
            self.durable.apply(self.unsynced.drain(..).flat_map(WriteBatch::into_operations));
        }
    }

    fn corrupt(&mut self, table: Table, key: &[u8], at_byte: usize) -> bool {
        let Some(byte) = self.visible.get_mut(table, key).and_then(|value| value.get_mut(at_byte)) else {
            return false;
        };
        *byte ^= 1;
        // On the disk the value is where it was last put: in an unsynced write, or else among what is durable.
        let put = self.unsynced.iter_mut().rev().find_map(|batch| last_put(batch, table, key));
        let stored = put.or_else(|| self.durable.get_mut(table, key));
        if let Some(byte) = stored.and_then(|value| value.get_mut(at_byte)) {
            *byte ^= 1;
        }
        self.counters.corruptions += 1;
        true
    }
}

fn last_put<'a>(batch: &'a mut WriteBatch, table: Table, key: &[u8]) -> Option<&'a mut Vec<u8>> {
    batch.operations_mut().iter_mut().rev().find_map(|operation| match operation {
        Operation::Put { table: t, key: k, value } if *t == table && k == key => Some(value),
        _ => None,
    })
}

impl Reader for FaultyStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().visible.get(table, key).cloned())
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        Ok(self.lock().visible.scan(table, from, to, direction, limit))
    }
}

impl Store for FaultyStore {
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        self.lock().write(batch, durability)
    }
}
