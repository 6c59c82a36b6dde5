//! What may befall a disk while its node is down. Each says whether there was anything to befall.
//!
//! *Misdirected writes.* RocksDB's checksums of table blocks know at which file and offset a block belongs (format version 6), and
//! replay of its log follows record numbers. So a block that lies elsewhere cannot be read, and where it belongs something older
//! lies that cannot be read either. What gets past that, say in the database's own memory, only the layers above can notice: the
//! journal's hash chain always, the tree's check at a cold start for everything that follows from the state's root. Nothing above
//! the database checks the ledger or this node's own rows against each other, nor anything at all while a node runs or starts hot: there, only
//! the checksums stand.

use tetrarch_replica::Record;
use tetrarch_storage::{Direction, JOURNAL, Pair, Reader, Store, Table, WriteBatch};
use tetrarch_types::decode;

use super::Disk;
use super::journal::MAX_RECORD_BYTES;
use crate::rng::Rng;

/// Rows of a table that are looked at when one is to rot.
const ROWS: usize = 64;

/// What stands in front of a journal entry's record.
const CHAIN_BYTES: usize = 32;

/// Tables that nothing under the state's root vouches for.
const UNVOUCHED: [&str; 4] = ["execution.local", "execution.ledger", "execution.bodies", "execution.places"];

impl Disk {
    /// Everything is gone.
    pub fn wipe(&self) {
        self.store.wipe();
        self.mark.clear();
        self.rotten().clear();
    }

    /// The mark is gone, with whatever else is missing.
    pub fn lose_mark(&self) -> bool {
        let was_there = self.mark.image().is_some();
        self.mark.clear();
        was_there
    }

    /// A row of some table but the journal can no longer be read.
    pub fn rot(&self, rng: &mut Rng) -> bool {
        let Some(table) = rng.pick(&self.tables) else { return false };
        let Some(key) = self.some_key(table, rng) else { return false };
        self.make_unreadable(table, key)
    }

    /// A bit of the journal is another, but not of a vote.
    pub fn flip_journal(&self, rng: &mut Rng) -> bool {
        self.flip_row_of_journal(rng, |row| !is_vote(row))
    }

    /// A bit of the record of a vote is another.
    pub fn flip_vote(&self, rng: &mut Rng) -> bool {
        self.flip_row_of_journal(rng, is_vote)
    }

    fn flip_row_of_journal(&self, rng: &mut Rng, is_wanted: impl Fn(&Pair) -> bool) -> bool {
        let rows: Vec<Pair> = self.rows(JOURNAL).into_iter().filter(is_wanted).collect();
        rows.get(rng.index(rows.len())).is_some_and(|(key, value)| {
            let at = rng.index(value.len());
            self.store.corrupt(JOURNAL, key, at)
        })
    }

    /// The last entry of the journal that its mark vouches for and has no copy of is gone, with what came behind it; whether there was
    /// one. The mark's copies of the last append stand in for that, and behind the mark there are only entries whose fsync never ended:
    /// the loss of either is no harm.
    pub fn cut_journal(&self) -> bool {
        // The row at 0 is no entry.
        let Some(last) = self.mark.image().map(|held| held.settled()).filter(|last| *last > 0) else { return false };
        let from = last.to_be_bytes();
        let tail = self.store.scan(JOURNAL, &from, &[], Direction::Ascending, usize::MAX).unwrap_or_default();
        if tail.first().is_none_or(|(key, _)| *key != from) {
            return false;
        }
        let mut batch = WriteBatch::new();
        tail.into_iter().for_each(|(key, _)| batch.delete(JOURNAL, key));
        self.store.alter(batch);
        true
    }

    /// A row of the journal lies at another's place, and nothing at its own.
    pub fn misdirect_journal(&self, rng: &mut Rng) -> bool {
        let Some((from, to)) = self.two_keys(JOURNAL, rng) else { return false };
        self.misdirect(JOURNAL, &from, to)
    }

    /// A row of some other table lies at another's place. A start that reads everything may have to notice it by itself; in any other
    /// case the checksums do.
    pub fn misdirect_table(&self, starts_cold: bool, rng: &mut Rng) -> bool {
        let Some(table) = rng.pick(&self.tables) else { return false };
        let Some((from, to)) = self.two_keys(table, rng) else { return false };
        let gets_past_checksums = starts_cold && !UNVOUCHED.contains(&table.name()) && rng.chance(7_000);
        if gets_past_checksums {
            return self.misdirect(table, &from, to);
        }
        self.make_unreadable(table, from) && self.make_unreadable(table, to)
    }

    /// A bit of a row in a snapshot is another.
    pub fn flip_snapshot(&self, rng: &mut Rng) -> bool {
        let Some((number, table)) = self.some_frozen_table(rng) else { return false };
        let Some(key) = self.some_key(table, rng) else { return false };
        self.store.corrupt_snapshot(number, table, &key, rng.index(8))
    }

    /// A row in a snapshot cannot be read.
    pub fn rot_snapshot(&self, rng: &mut Rng) -> bool {
        let Some((number, table)) = self.some_frozen_table(rng) else { return false };
        let Some(key) = self.some_key(table, rng) else { return false };
        self.store.rot_snapshot(number, table, &key)
    }

    /// A row in a snapshot lies at another's place.
    pub fn misdirect_snapshot(&self, rng: &mut Rng) -> bool {
        let Some((number, table)) = self.some_frozen_table(rng) else { return false };
        let Some((from, to)) = self.two_keys(table, rng) else { return false };
        self.store.misdirect_in_snapshot(number, table, &from, &to)
    }

    fn misdirect(&self, table: Table, from: &[u8], to: Vec<u8>) -> bool {
        let Ok(Some(value)) = self.store.get(table, from) else { return false };
        let mut batch = WriteBatch::new();
        batch.put(table, to, value);
        batch.delete(table, from);
        self.store.alter(batch);
        true
    }

    fn make_unreadable(&self, table: Table, key: Vec<u8>) -> bool {
        let is_there = self.store.rot(table, &key);
        self.rotten().push((table, key));
        is_there
    }

    fn some_frozen_table(&self, rng: &mut Rng) -> Option<(u64, Table)> {
        let numbers = self.store.snapshots().unwrap_or_default();
        Some((rng.pick(&numbers)?, rng.pick(&self.tables)?))
    }

    fn some_key(&self, table: Table, rng: &mut Rng) -> Option<Vec<u8>> {
        let rows = self.rows(table);
        rows.get(rng.index(rows.len())).map(|(key, _)| key.clone())
    }

    /// Two different ones.
    fn two_keys(&self, table: Table, rng: &mut Rng) -> Option<(Vec<u8>, Vec<u8>)> {
        let rows = self.rows(table);
        let places: Vec<usize> = (0..rows.len()).collect();
        let [from, to] = rng.sample(&places, 2)[..] else { return None };
        Some((rows[from].0.clone(), rows[to].0.clone()))
    }

    fn rows(&self, table: Table) -> Vec<Pair> {
        self.store.scan(table, &[], &[], Direction::Ascending, ROWS).unwrap_or_default()
    }
}

/// Whether an entry of the journal keeps a vote.
fn is_vote((_, value): &Pair) -> bool {
    let record = value.get(CHAIN_BYTES..).and_then(|bytes| decode::<Record>(bytes, MAX_RECORD_BYTES).ok());
    record.is_some_and(|record| record.seq().is_some() || matches!(record, Record::ViewChanging { .. }))
}
