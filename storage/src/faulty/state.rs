//! What the simulated disk holds, and how it changes.

use std::collections::BTreeMap;

use crate::frozen::Snapshots;
use crate::store::Durability;
use crate::tables::Tables;
use crate::{Operation, StoreError, Table, WriteBatch};

/// What a write that [`FaultyStore::fail_write_at`](crate::FaultyStore::fail_write_at) chose does.
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

/// What has happened to a [`FaultyStore`](crate::FaultyStore) since it was made.
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
    /// Rows made unreadable.
    pub rotten: u64,
}

/// A backup of a [`FaultyStore`](crate::FaultyStore): what was durable at one moment, and its snapshots.
#[derive(Clone, Default, Debug)]
pub struct Image {
    tables: Tables,
    snapshots: Snapshots,
}

#[derive(Default, Debug)]
pub(super) struct State {
    /// What reads see.
    visible: Tables,
    /// What no crash takes away.
    durable: Tables,
    /// The writes between the two, oldest first.
    unsynced: Vec<Unsynced>,
    /// A write whose fsync failed: younger than all unsynced ones, not visible, perhaps there after a crash.
    doubtful: Option<WriteBatch>,
    snapshots: Snapshots,
    poisoned: bool,
    /// Writes that were attempted on a store not poisoned.
    attempts: u64,
    /// By the attempt that is to fail.
    planned: BTreeMap<u64, FailureKind>,
    counters: FaultCounters,
}

/// A write that only the disk's cache holds, and what of it rotted there.
#[derive(Debug)]
struct Unsynced {
    batch: WriteBatch,
    rotten: Vec<(Table, Vec<u8>)>,
}

impl Unsynced {
    fn new(batch: WriteBatch) -> Self {
        Self { batch, rotten: Vec::new() }
    }

    fn apply_to(self, tables: &mut Tables) {
        tables.apply(self.batch.into_operations());
        for (table, key) in self.rotten {
            tables.rot(table, &key);
        }
    }
}

impl State {
    pub(super) fn visible(&self) -> &Tables {
        &self.visible
    }

    pub(super) fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    pub(super) fn counters(&self) -> FaultCounters {
        self.counters
    }

    pub(super) fn plan(&mut self, nth: u64, kind: FailureKind) {
        self.planned.insert(self.attempts.saturating_add(nth), kind);
    }

    pub(super) fn unsynced_len(&self) -> usize {
        self.unsynced.len() + usize::from(self.doubtful.is_some())
    }

    pub(super) fn crash(&mut self, kept: usize) {
        let mut writes = std::mem::take(&mut self.unsynced);
        writes.extend(self.doubtful.take().map(Unsynced::new));
        let kept = kept.min(writes.len());
        self.counters.crashes += 1;
        self.counters.lost += (writes.len() - kept) as u64;
        writes.into_iter().take(kept).for_each(|write| write.apply_to(&mut self.durable));
        self.visible = self.durable.clone();
        self.poisoned = false;
    }

    pub(super) fn write(&mut self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
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
        self.unsynced.push(Unsynced::new(batch));
        self.counters.writes += 1;
        if durability == Durability::Synced {
            self.counters.syncs += 1;
            self.unsynced.drain(..).for_each(|write| write.apply_to(&mut self.durable));
        }
    }

    pub(super) fn corrupt(&mut self, table: Table, key: &[u8], at_byte: usize) -> bool {
        let Some(byte) = self.visible.get_mut(table, key).and_then(|value| value.get_mut(at_byte)) else {
            return false;
        };
        *byte ^= 1;
        // On the disk the value is where it was last put: in an unsynced write, or else among what is durable.
        let put = self.unsynced.iter_mut().rev().find_map(|write| last_put(&mut write.batch, table, key));
        let stored = put.or_else(|| self.durable.get_mut(table, key));
        if let Some(byte) = stored.and_then(|value| value.get_mut(at_byte)) {
            *byte ^= 1;
        }
        self.counters.corruptions += 1;
        true
    }

    pub(super) fn rot(&mut self, table: Table, key: &[u8]) -> bool {
        if !self.visible.rot(table, key) {
            return self.visible.holds(table, key);
        }
        self.counters.rotten += 1;
        let puts = |write: &mut Unsynced| last_put(&mut write.batch, table, key).is_some();
        match self.unsynced.iter_mut().rev().find_map(|write| puts(write).then_some(write)) {
            Some(write) => write.rotten.push((table, key.to_vec())),
            None => {
                self.durable.rot(table, key);
            }
        }
        true
    }

    pub(super) fn take_snapshot(&mut self, number: u64) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        self.snapshots.take(number, &self.visible);
        Ok(())
    }

    pub(super) fn remove_snapshot(&mut self, number: u64) {
        self.snapshots.remove(number);
    }

    pub(super) fn corrupt_snapshot(&mut self, number: u64, table: Table, key: &[u8], at_byte: usize) -> bool {
        let corrupted = self.snapshots.corrupt(number, table, key, at_byte);
        self.counters.corruptions += u64::from(corrupted);
        corrupted
    }

    pub(super) fn image(&self) -> Image {
        Image { tables: self.durable.clone(), snapshots: self.snapshots.clone() }
    }

    pub(super) fn restore(&mut self, image: &Image) {
        let Image { tables, snapshots } = image.clone();
        self.visible = tables.clone();
        self.durable = tables;
        self.snapshots = snapshots;
        self.unsynced.clear();
        self.doubtful = None;
        self.poisoned = false;
    }
}

fn last_put<'a>(batch: &'a mut WriteBatch, table: Table, key: &[u8]) -> Option<&'a mut Vec<u8>> {
    batch.operations_mut().iter_mut().rev().find_map(|operation| match operation {
        Operation::Put { table: t, key: k, value } if *t == table && k == key => Some(value),
        _ => None,
    })
}
