//! A node's disk: what outlives its crashes, and what may befall it meanwhile.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;

use tetrarch_kv::{Execution, KvMachine};
use tetrarch_storage::{
    Direction, Durability, FailureKind, FaultyStore, Image, JOURNAL, Mark, MemoryMark, Reader, Store, StoreError,
    Table, WriteBatch,
};

use crate::rng::Rng;

/// Rows of a table that are looked at when one is to rot.
const ROWS: usize = 64;

/// Rows by table and key.
type Rotten = Vec<(Table, Vec<u8>)>;

/// A store and the high-water mark beside it.
#[derive(Clone, Default)]
pub struct Disk {
    /// The tables.
    pub store: Arc<FaultyStore>,
    /// The mark; clones share it.
    pub mark: MemoryMark,
    /// Rows that cannot be read: the database itself would know them by their block.
    rotten: Rc<RefCell<Rotten>>,
}

/// A copy of a whole disk.
#[derive(Clone)]
pub struct Backup {
    store: Image,
    mark: Option<Mark>,
    rotten: Rotten,
}

impl Disk {
    /// The power fails: of what was not synced a random part survives, the oldest first. Returns how many writes were lost.
    pub fn crash(&self, rng: &mut Rng) -> u64 {
        let before = self.store.counters().lost;
        self.store.crash(|unsynced| rng.index(unsynced + 1));
        self.store.counters().lost - before
    }

    /// The next write reaches the disk's cache, but the power fails during its fsync.
    pub fn interrupt_next_sync(&self) {
        self.store.fail_write_at(0, FailureKind::FsyncLost);
    }

    /// Everything is gone.
    pub fn wipe(&self) {
        self.store.wipe();
        self.mark.clear();
        self.rotten().clear();
    }

    /// The mark is gone; whether there were records that it vouched for.
    pub fn lose_mark(&self) -> bool {
        self.mark.clear();
        self.store.scan(JOURNAL, &[], &[], Direction::Ascending, 1).is_ok_and(|rows| !rows.is_empty())
    }

    /// A copy of what is durable.
    pub fn back_up(&self) -> Backup {
        Backup { store: self.store.image(), mark: self.mark.image(), rotten: self.rotten().clone() }
    }

    /// Puts a copy in the place of what is there.
    pub fn restore(&self, backup: &Backup) {
        self.store.restore(&backup.store);
        self.mark.restore(backup.mark);
        self.rotten().clone_from(&backup.rotten);
    }

    /// A row of some table but the journal can no longer be read; whether there was one.
    pub fn rot(&self, rng: &mut Rng) -> bool {
        let tables = Execution::<KvMachine, Arc<FaultyStore>>::tables(&KvMachine);
        let Some(table) = rng.pick(&tables) else { return false };
        let Some(key) = self.some_key(table, rng) else { return false };
        self.rotten().push((table, key.clone()));
        self.store.rot(table, &key)
    }

    /// A bit of an entry of the journal is another; whether there was one.
    pub fn flip_journal(&self, rng: &mut Rng) -> bool {
        let Some(key) = self.some_key(JOURNAL, rng) else { return false };
        self.store.corrupt(JOURNAL, &key, rng.index(40))
    }

    /// The last acknowledged entry of the journal is gone, with what was written behind it; whether there was one. An entry behind
    /// the mark alone is no loss: a crash during its fsync may take it as well.
    pub fn cut_journal(&self) -> bool {
        let Some(mark) = self.mark.image().filter(|mark| mark.index > 0) else { return false };
        let from = mark.index.to_be_bytes();
        let rows = self.store.scan(JOURNAL, &from, &[u8::MAX; 9], Direction::Ascending, ROWS).unwrap_or_default();
        let mut batch = WriteBatch::new();
        rows.iter().for_each(|(key, _)| batch.delete(JOURNAL, key.clone()));
        !batch.is_empty() && self.store.write(batch, Durability::Synced).is_ok()
    }

    /// A bit of a row in a snapshot is another; whether there was one.
    pub fn flip_snapshot(&self, rng: &mut Rng) -> bool {
        let numbers = self.store.snapshots().unwrap_or_default();
        let tables = Execution::<KvMachine, Arc<FaultyStore>>::tables(&KvMachine);
        let (Some(number), Some(table)) = (rng.pick(&numbers), rng.pick(&tables)) else { return false };
        let Some(key) = self.some_key(table, rng) else { return false };
        self.store.corrupt_snapshot(number, table, &key, rng.index(8))
    }

    /// Whether something cannot be read, noticed or not.
    pub fn has_rot(&self) -> bool {
        self.rotten().iter().any(|(table, key)| self.store.get(*table, key).is_err())
    }

    /// Leaves behind what cannot be read, as copying the rest into a new database does.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn salvage(&self) -> Result<(), StoreError> {
        let mut batch = WriteBatch::new();
        let mut rotten = std::mem::take(&mut *self.rotten());
        // What was written since is whole again.
        rotten.retain(|(table, key)| self.store.get(*table, key).is_err());
        rotten.into_iter().for_each(|(table, key)| batch.delete(table, key));
        self.store.write(batch, Durability::Synced)
    }

    fn some_key(&self, table: Table, rng: &mut Rng) -> Option<Vec<u8>> {
        let rows = self.store.scan(table, &[], &[], Direction::Ascending, ROWS).ok()?;
        let keys: Vec<Vec<u8>> = rows.into_iter().map(|(key, _)| key).collect();
        if keys.is_empty() { None } else { keys.get(rng.index(keys.len())).cloned() }
    }

    fn rotten(&self) -> RefMut<'_, Rotten> {
        self.rotten.borrow_mut()
    }
}
