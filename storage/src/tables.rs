//! Tables in memory, without a lock: what both the memory store and the faulty store are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Bound;
use std::sync::Arc;

use crate::change::Change;
use crate::store::{Direction, Pair};
use crate::{StoreError, Table};

/// Clones share their tables until one of them is written to, and then still its keys and values. A dozen tables are found sooner by
/// looking at each than by comparing names in order.
#[derive(Clone, Default, Debug)]
pub(crate) struct Tables(Vec<(Table, Arc<Rows>)>);

#[derive(Clone, Default, Debug)]
struct Rows {
    values: BTreeMap<Arc<[u8]>, Arc<Vec<u8>>>,
    /// Keys whose values can no longer be read.
    rotten: BTreeSet<Vec<u8>>,
}

impl Tables {
    pub(crate) fn apply(&mut self, changes: &[Change]) {
        for of_table in changes.chunk_by(|one, next| is_same(one.table(), next.table())) {
            if let Some(first) = of_table.first() {
                let rows = self.rows_or_new(first.table());
                of_table.iter().for_each(|change| rows.apply(change));
            }
        }
    }

    fn rows(&self, table: Table) -> Option<&Arc<Rows>> {
        self.0.iter().find(|(held, _)| is_same(*held, table)).map(|(_, rows)| rows)
    }

    fn rows_mut(&mut self, table: Table) -> Option<&mut Arc<Rows>> {
        self.0.iter_mut().find(|(held, _)| is_same(*held, table)).map(|(_, rows)| rows)
    }

    /// The rows of a table, which begins empty.
    fn rows_or_new(&mut self, table: Table) -> &mut Rows {
        let at = self.0.iter().position(|(held, _)| is_same(*held, table)).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push((table, Arc::default()));
        }
        Arc::make_mut(&mut self.0[at].1)
    }

    /// The bytes of all keys and values.
    pub(crate) fn size(&self) -> u64 {
        let rows = self.0.iter().flat_map(|(_, rows)| &rows.values);
        rows.map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(rows) = self.rows(table) else { return Ok(None) };
        rows.check(table, key)?;
        Ok(rows.values.get(key).map(|value| value.to_vec()))
    }

    pub(crate) fn get_mut(&mut self, table: Table, key: &[u8]) -> Option<&mut Vec<u8>> {
        Arc::make_mut(self.rows_mut(table)?).values.get_mut(key).map(Arc::make_mut)
    }

    /// Makes the row unreadable until it is written or deleted, and says whether that is new.
    pub(crate) fn rot(&mut self, table: Table, key: &[u8]) -> bool {
        let Some(rows) = self.rows_mut(table) else { return false };
        rows.values.contains_key(key) && Arc::make_mut(rows).rotten.insert(key.to_vec())
    }

    pub(crate) fn holds(&self, table: Table, key: &[u8]) -> bool {
        self.rows(table).is_some_and(|rows| rows.values.contains_key(key))
    }

    pub(crate) fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let Some(rows) = self.rows(table) else { return Ok(Vec::new()) };
        if !to.is_empty() && from >= to {
            return Ok(Vec::new());
        }
        let upper = if to.is_empty() { Bound::Unbounded } else { Bound::Excluded(to) };
        let range = rows.values.range::<[u8], _>((Bound::Included(from), upper));
        let read =
            |(key, value): (&Arc<[u8]>, &Arc<Vec<u8>>)| rows.check(table, key).map(|()| (key.to_vec(), value.to_vec()));
        match direction {
            Direction::Ascending => range.take(limit).map(read).collect(),
            Direction::Descending => range.rev().take(limit).map(read).collect(),
        }
    }
}

impl Rows {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Put { key, value, .. } => {
                self.rotten.remove(key.as_ref());
                self.values.insert(key.clone(), value.clone());
            }
            Change::Delete { key, .. } => self.remove(key),
            Change::DeleteRange { from, to, .. } => self.remove_range(from, to),
        }
    }

    fn remove(&mut self, key: &[u8]) {
        self.rotten.remove(key);
        self.values.remove(key);
    }

    fn remove_range(&mut self, from: &[u8], to: &[u8]) {
        if from >= to {
            return;
        }
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        let doomed: Vec<Arc<[u8]>> = self.values.range::<[u8], _>(bounds).map(|(key, _)| key.clone()).collect();
        doomed.iter().for_each(|key| self.remove(key));
    }

    fn check(&self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        if !self.rotten.contains(key) {
            return Ok(());
        }
        let place = format!("The row {} of the table {:?}", hex(key), table.name());
        Err(StoreError::Corrupt { place, reason: "its checksum does not match what was read".to_owned() })
    }
}

/// Whether two tables have one name: most that do are one constant, whose name need not be read.
fn is_same(one: Table, other: Table) -> bool {
    std::ptr::eq(one.name(), other.name()) || one == other
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}
