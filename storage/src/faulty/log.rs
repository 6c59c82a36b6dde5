//! The latest writes, as a database's write-ahead log holds them: in order, the oldest of them on the disk.
//!
//! ```text
//!   flushed │ w w w │ w w │ w w w
//!           │       │     └ unsynced: a crash loses a suffix of these
//!           │       └ said to be synced, by a disk that lies
//!           └ on the disk: only what tears the log takes these
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use super::flushed::Flushed;
use crate::Table;
use crate::change::Change;
use crate::tables::Tables;

/// Synced writes that stay in the log. A torn write takes at most so many with it: they share its sector.
const TAIL: usize = 4;

/// Writes that a disk which lies about fsyncs holds back at most: no cache is endless.
const CACHE: usize = 1_024;

/// What a crash took from a [`FaultyStore`](crate::FaultyStore).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// Writes that were lost.
    pub writes: usize,
    /// Those among them that had been said to be synced.
    pub synced: usize,
    /// The tables that the first of them wrote to: if a write is torn in a crash, it is that one.
    pub first: Vec<Table>,
}

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Log {
    writes: VecDeque<Logged>,
    /// How many of them, the oldest, are on the disk.
    durable: usize,
    /// How many of them, the oldest, are said to be. More than are, only if the disk lies.
    claimed: usize,
}

/// A write, and what of it rotted.
#[derive(Debug)]
pub(super) struct Logged {
    changes: Vec<Change>,
    rotten: Vec<(Table, Vec<u8>)>,
}

impl Log {
    pub(super) fn push(&mut self, changes: Vec<Change>) {
        self.writes.push_back(Logged { changes, rotten: Vec::new() });
    }

    /// An fsync: everything is on the disk, or is said to be.
    pub(super) fn sync(&mut self, is_lie: bool, flushed: &mut Flushed) {
        self.claimed = self.writes.len();
        self.durable = if is_lie { self.durable.max(self.claimed.saturating_sub(CACHE)) } else { self.claimed };
        while self.durable > TAIL {
            self.pop(flushed);
        }
    }

    /// How many writes a crash may lose.
    pub(super) fn unsynced(&self) -> usize {
        self.writes.len() - self.durable
    }

    /// The power fails: this many of the unsynced writes survive, and if a write is torn, so many synced ones go with it.
    pub(super) fn crash(&mut self, kept: usize, torn_away: usize, flushed: &mut Flushed) -> Taken {
        let torn_away = if kept == 0 { torn_away.min(self.durable) } else { 0 };
        let surviving = (self.durable - torn_away).saturating_add(kept).min(self.writes.len());
        let taken = Taken {
            writes: self.writes.len() - surviving,
            synced: self.claimed.saturating_sub(surviving),
            first: self.writes.get(surviving).map(|lost| tables(&lost.changes)).unwrap_or_default(),
        };
        self.writes.truncate(surviving);
        (self.durable, self.claimed) = (surviving, surviving);
        self.settle(flushed);
        taken
    }

    /// Puts what is on the disk on top of what was flushed.
    pub(super) fn add_durable_to(&self, tables: &mut Tables) {
        self.writes.iter().take(self.durable).for_each(|write| write.apply_to(tables));
    }

    /// The latest value put for a key.
    pub(super) fn value_mut(&mut self, table: Table, key: &[u8]) -> Option<&mut Vec<u8>> {
        self.writes.iter_mut().rev().find_map(|write| last_put(&mut write.changes, table, key)).map(Arc::make_mut)
    }

    /// Makes the latest value put for a key unreadable; whether there is one.
    pub(super) fn rot(&mut self, table: Table, key: &[u8]) -> bool {
        let puts = |write: &mut Logged| last_put(&mut write.changes, table, key).is_some();
        let Some(write) = self.writes.iter_mut().rev().find_map(|write| puts(write).then_some(write)) else {
            return false;
        };
        write.rotten.push((table, key.to_vec()));
        true
    }

    /// Everything in it is on the disk, and leaves the log: no crash takes it.
    pub(super) fn settle(&mut self, flushed: &mut Flushed) {
        while !self.writes.is_empty() {
            self.pop(flushed);
        }
    }

    fn pop(&mut self, flushed: &mut Flushed) {
        let Some(write) = self.writes.pop_front() else { return };
        flushed.take(write);
        self.durable = self.durable.saturating_sub(1);
        self.claimed = self.claimed.saturating_sub(1);
    }
}

impl Logged {
    /// Puts it, and what of it rotted, on top of tables.
    pub(super) fn apply_to(&self, tables: &mut Tables) {
        tables.apply(&self.changes);
        for (table, key) in &self.rotten {
            tables.rot(*table, key);
        }
    }
}

fn tables(changes: &[Change]) -> Vec<Table> {
    changes.iter().map(Change::table).collect()
}

fn last_put<'a>(changes: &'a mut [Change], table: Table, key: &[u8]) -> Option<&'a mut Arc<Vec<u8>>> {
    changes.iter_mut().rev().find_map(|change| match change {
        Change::Put { table: t, key: k, value } if *t == table && k.as_ref() == key => Some(value),
        _ => None,
    })
}
