//! A disk that forgets, fails and rots exactly when it is told to.

mod flushed;
mod log;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use log::Taken;
use state::State;
pub use state::{FailureKind, FaultCounters, Image};

use crate::frozen;
use crate::store::{Direction, Durability, Pair, Reader, Store};
use crate::{StoreError, Table, WriteBatch};

/// Tables in memory over a disk in memory: writes are visible at once, and survive [`crash`](Self::crash) as the caller
/// chooses unless they were synced; snapshots survive it always. It makes no choice of its own, so the same calls give the same store.
///
/// It knows every table. To simulate a restart, keep it in an `Arc`, crash it, and open the node on it again.
#[derive(Default, Debug)]
pub struct FaultyStore {
    state: Mutex<State>,
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
    ///
    /// The first write that does not survive may have been torn: a part of it reached the disk. Nothing tells that from a lost one,
    /// since a batch is one record of RocksDB's log, under a checksum, and replay ends in front of the first record that does not fit
    /// its own; whatever of the later ones is there is not looked at (`tests/suite/torn.rs` shows it).
    pub fn crash(&self, keep: impl FnMut(usize) -> usize) -> Taken {
        self.crash_torn(keep, 0)
    }

    /// As [`crash`](Self::crash), but if no unsynced write survives, the disk tore a sector that it was writing anew: the end of the
    /// log, with up to so many synced writes in front (at most four are so near). Only a disk without power-safe overwrites does that.
    pub fn crash_torn(&self, mut keep: impl FnMut(usize) -> usize, torn_away: usize) -> Taken {
        let mut state = self.lock();
        let kept = keep(state.unsynced_len());
        state.crash(kept, torn_away)
    }

    /// From now on fsyncs are said to be done and are not, so that a crash may lose what was synced. Until the next crash, or until
    /// `false`, which makes everything durable.
    pub fn lie_about_fsync(&self, lies: bool) {
        self.lock().set_lying(lies);
    }

    /// From now on writes fail, whatever their durability, once so many more have succeeded; until `None`. Unlike with
    /// [`fail_write_at`](Self::fail_write_at), one that loses its fsync may be a buffered one.
    pub fn fail_writes(&self, after: Option<(u64, FailureKind)>) {
        self.lock().set_failing(after);
    }

    /// Everything leaves the log for the tables, as when a database is opened or copied: no crash takes it, not even one that tears a
    /// sector. A disk that lies about fsyncs does nothing of the kind.
    pub fn flush(&self) {
        self.lock().flush();
    }

    /// From now on there is no room for snapshots, until `false`.
    pub fn refuse_snapshots(&self, refuses: bool) {
        self.lock().set_refusing_snapshots(refuses);
    }

    /// How many writes a crash could lose now, among them one whose fsync failed.
    pub fn unsynced(&self) -> usize {
        self.lock().unsynced_len()
    }

    /// Makes the `nth` write from now fail, 0 being the next. Writes refused by a poisoned store do not count. A second
    /// plan for the same write replaces the first.
    pub fn fail_write_at(&self, nth: u64, kind: FailureKind) {
        self.lock().plan(nth, kind);
    }

    /// Whether a write failed since the last crash, so that it refuses all others.
    pub fn is_poisoned(&self) -> bool {
        self.lock().poisoned
    }

    /// Flips the lowest bit of a byte of the value that reads now give for `key`, in memory and on the disk, as bit rot
    /// that no checksum notices. Whether there was such a byte.
    pub fn corrupt(&self, table: Table, key: &[u8], at_byte: usize) -> bool {
        self.lock().corrupt(table, key, at_byte)
    }

    /// Makes the value that reads now give for `key` unreadable, in memory and on the disk, as bit rot that a checksum does
    /// notice: every read that needs it fails with [`StoreError::Corrupt`], until the key is written or deleted. Crashes do not
    /// mend it, and a snapshot taken meanwhile has it as well. Whether there was such a key.
    pub fn rot(&self, table: Table, key: &[u8]) -> bool {
        self.lock().rot(table, key)
    }

    /// Flips the lowest bit of a byte of a value in a snapshot, and nowhere else, as bit rot that no checksum notices; readers
    /// that are held see it. Whether there was such a byte.
    pub fn corrupt_snapshot(&self, number: u64, table: Table, key: &[u8], at_byte: usize) -> bool {
        self.lock().corrupt_snapshot(number, table, key, at_byte)
    }

    /// Makes a value in a snapshot unreadable, as bit rot that a checksum does notice. Whether there was such a key.
    pub fn rot_snapshot(&self, number: u64, table: Table, key: &[u8]) -> bool {
        self.lock().rot_snapshot(number, table, key)
    }

    /// In a snapshot, a value lies at another key's place, and nothing at its own. Whether both keys were there.
    pub fn misdirect_in_snapshot(&self, number: u64, table: Table, from: &[u8], to: &[u8]) -> bool {
        self.lock().misdirect_in_snapshot(number, table, from, to)
    }

    /// Changes what lies on the disk of a stopped node. It is no write: it is not counted, cannot fail, and no crash takes it back,
    /// not even one that tears a sector.
    pub fn alter(&self, batch: WriteBatch) {
        self.lock().alter(batch);
    }

    /// Everything is gone, as with a new disk: tables, unsynced writes, snapshots, poison. Counters and plans stay.
    pub fn wipe(&self) {
        self.restore(&Image::default());
    }

    /// A backup of what is durable now, snapshots included.
    pub fn image(&self) -> Image {
        self.lock().image()
    }

    /// Puts a backup in place of everything, unsynced writes and poison included. Counters and plans stay.
    pub fn restore(&self, image: &Image) {
        self.lock().restore(image);
    }

    /// What has happened so far.
    pub fn counters(&self) -> FaultCounters {
        self.lock().counters()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader for FaultyStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.lock().visible().get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.lock().visible().scan(table, from, to, direction, limit)
    }
}

impl Store for FaultyStore {
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        self.lock().write(batch, durability)
    }

    fn view(&self) -> Box<dyn Reader + '_> {
        frozen::view(self.lock().visible())
    }

    fn take_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.lock().take_snapshot(number)
    }

    fn snapshots(&self) -> Result<Vec<u64>, StoreError> {
        Ok(self.lock().snapshots().numbers())
    }

    fn snapshot(&self, number: u64) -> Result<Option<Arc<dyn Reader + Send + Sync>>, StoreError> {
        Ok(self.lock().snapshots().open(number))
    }

    fn remove_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.lock().remove_snapshot(number);
        Ok(())
    }

    fn stored_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.lock().visible().size())
    }
}
