//! What the simulated disk holds, and how it changes.

use std::collections::BTreeMap;

use super::flushed::Flushed;
use super::log::{Log, Taken};
use crate::change::Change;
use crate::frozen::Snapshots;
use crate::store::Durability;
use crate::tables::Tables;
use crate::{StoreError, Table, WriteBatch};

/// What a write that [`FaultyStore::fail_write_at`](crate::FaultyStore::fail_write_at) chose does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// Fails with [`StoreError::Io`]; nothing of it reaches the disk.
    Io,
    /// Fails with [`StoreError::Full`]; nothing of it reaches the disk.
    Full,
    /// Fails with [`StoreError::Corrupt`], as where a database met a damaged file in merging it; nothing of it reaches the disk.
    Corrupt,
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
    flushed: Flushed,
    /// The writes between the two.
    log: Log,
    /// A write whose fsync failed: younger than all others, not visible, perhaps there after a crash.
    doubtful: Option<WriteBatch>,
    snapshots: Snapshots,
    pub(super) poisoned: bool,
    /// Fsyncs are said to be done, and are not.
    lies: bool,
    /// How every write fails, for now, once so many have passed.
    failing: Option<(u64, FailureKind)>,
    /// There is no room for a snapshot.
    refuses_snapshots: bool,
    /// Writes that were attempted on a store not poisoned.
    attempts: u64,
    /// By the attempt that is to fail.
    planned: BTreeMap<u64, FailureKind>,
    counters: FaultCounters,
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

    pub(super) fn set_failing(&mut self, failing: Option<(u64, FailureKind)>) {
        self.failing = failing;
    }

    pub(super) fn set_refusing_snapshots(&mut self, refuses: bool) {
        self.refuses_snapshots = refuses;
    }

    /// Says the truth about fsyncs from now on, and makes durable what was only said to be; or lies.
    pub(super) fn set_lying(&mut self, lies: bool) {
        self.lies = lies;
        if !lies {
            self.log.sync(false, &mut self.flushed);
        }
    }

    pub(super) fn unsynced_len(&self) -> usize {
        self.log.unsynced() + usize::from(self.doubtful.is_some())
    }

    pub(super) fn crash(&mut self, kept: usize, torn_away: usize) -> Taken {
        if let Some(batch) = self.doubtful.take() {
            self.log.push(Change::all(batch));
        }
        let taken = self.log.crash(kept, torn_away, &mut self.flushed);
        self.counters.crashes += 1;
        self.counters.lost += taken.writes as u64;
        self.visible = self.flushed.settle().clone();
        (self.poisoned, self.lies) = (false, false);
        taken
    }

    pub(super) fn flush(&mut self) {
        if !self.lies {
            self.log.settle(&mut self.flushed);
        }
    }

    pub(super) fn write(&mut self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        if self.poisoned {
            self.counters.refused += 1;
            return Err(StoreError::Poisoned);
        }
        let attempt = self.attempts;
        self.attempts += 1;
        match (self.failing, self.planned.remove(&attempt), durability) {
            (Some((0, kind)), _, _) => return Err(self.fail(kind, batch)),
            (_, Some(FailureKind::FsyncLost), Durability::Buffered) => self.postpone_lost_fsync(),
            (_, Some(kind), _) => return Err(self.fail(kind, batch)),
            (_, None, _) => {}
        }
        self.failing = self.failing.map(|(after, kind)| (after.saturating_sub(1), kind));
        self.accept(batch, durability);
        Ok(())
    }

    /// To the next write, unless that is to fail anyway.
    fn postpone_lost_fsync(&mut self) {
        self.planned.entry(self.attempts).or_insert(FailureKind::FsyncLost);
    }

    fn fail(&mut self, kind: FailureKind, batch: WriteBatch) -> StoreError {
        self.poisoned = true;
        if kind == FailureKind::FsyncLost {
            self.doubtful = Some(batch);
        }
        self.refuse(kind)
    }

    fn refuse(&mut self, kind: FailureKind) -> StoreError {
        self.counters.failures += 1;
        let doing = "Writing to the simulated disk".to_owned();
        match kind {
            FailureKind::Io => StoreError::Io { doing, reason: "it was told to fail".to_owned() },
            FailureKind::Full => StoreError::Full { doing, reason: "it was told to be full".to_owned() },
            FailureKind::Corrupt => {
                let place = "A file of the simulated disk".to_owned();
                StoreError::Corrupt { place, reason: "it was told to be damaged".to_owned() }
            }
            FailureKind::FsyncLost => StoreError::Io { doing, reason: "it was told to lose an fsync".to_owned() },
        }
    }

    fn accept(&mut self, batch: WriteBatch, durability: Durability) {
        let changes = Change::all(batch);
        self.visible.apply(&changes);
        self.log.push(changes);
        self.counters.writes += 1;
        if durability == Durability::Synced {
            self.counters.syncs += 1;
            self.log.sync(self.lies, &mut self.flushed);
        }
    }

    pub(super) fn alter(&mut self, batch: WriteBatch) {
        let changes = Change::all(batch);
        self.log.settle(&mut self.flushed);
        self.flushed.settle().apply(&changes);
        self.visible.apply(&changes);
    }

    pub(super) fn corrupt(&mut self, table: Table, key: &[u8], at_byte: usize) -> bool {
        let Some(byte) = self.visible.get_mut(table, key).and_then(|value| value.get_mut(at_byte)) else {
            return false;
        };
        *byte ^= 1;
        // On the disk the value is where it was last put: in the log, or else among what was flushed.
        let stored = self.log.value_mut(table, key).or_else(|| self.flushed.settle().get_mut(table, key));
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
        if !self.log.rot(table, key) {
            self.flushed.settle().rot(table, key);
        }
        true
    }

    pub(super) fn take_snapshot(&mut self, number: u64) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        if self.refuses_snapshots {
            return Err(self.refuse(FailureKind::Full));
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

    pub(super) fn rot_snapshot(&mut self, number: u64, table: Table, key: &[u8]) -> bool {
        let is_there = self.snapshots.rot(number, table, key);
        self.counters.rotten += u64::from(is_there);
        is_there
    }

    pub(super) fn misdirect_in_snapshot(&mut self, number: u64, table: Table, from: &[u8], to: &[u8]) -> bool {
        self.snapshots.misdirect(number, table, from, to)
    }

    pub(super) fn image(&self) -> Image {
        let mut tables = self.flushed.image();
        self.log.add_durable_to(&mut tables);
        Image { tables, snapshots: self.snapshots.clone() }
    }

    pub(super) fn restore(&mut self, image: &Image) {
        let Image { tables, snapshots } = image.clone();
        self.visible = tables.clone();
        self.flushed = Flushed::new(tables);
        self.snapshots = snapshots;
        self.log = Log::default();
        self.doubtful = None;
        (self.poisoned, self.lies) = (false, false);
    }
}
