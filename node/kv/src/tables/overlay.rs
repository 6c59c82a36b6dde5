//! Reading one's own writes before they are written.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use tetrarch_storage::{Direction, Pair, Reader, StoreError, Table, WriteBatch};

/// Entries fetched from below at a time, at least: a run of deleted ones must not cost a scan each.
const PAGE: usize = 16;

pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A few tables as they will be after the changes made here, on top of what is below.
///
/// Nothing is written below; the changes come out as one [`WriteBatch`]. The first error of a read, and any use of a table that
/// was not named, is kept in [`failure`](Self::failure): changes of an overlay that failed must be thrown away.
pub struct Overlay<'a> {
    base: &'a dyn Reader,
    tables: &'a [Table],
    changes: BTreeMap<Table, Changes>,
    failure: OnceCell<StoreError>,
}

impl<'a> Overlay<'a> {
    /// No changes yet, on top of `base`; only `tables` can be used.
    pub fn new(base: &'a dyn Reader, tables: &'a [Table]) -> Self {
        Self { base, tables, changes: BTreeMap::new(), failure: OnceCell::new() }
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.change(table, key.into(), Some(value.into()));
    }

    /// Removes `key` if it is there.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.change(table, key.into(), None);
    }

    /// Says that what was read makes no sense, or that the machine cannot go on for another reason that is this node's alone:
    /// the batch is not executed here.
    pub fn fail(&self, error: StoreError) {
        self.failure.get_or_init(|| error);
    }

    /// What went wrong first, if anything did.
    pub fn failure(&self) -> Option<&StoreError> {
        self.failure.get()
    }

    /// The changes, one for each key that was touched, ordered by table and key.
    ///
    /// # Errors
    /// The overlay's [`failure`](Self::failure), if it has one.
    pub fn into_batch(self) -> Result<WriteBatch, StoreError> {
        let mut batch = WriteBatch::new();
        for (table, changes) in self.into_changes()? {
            for (key, value) in changes {
                match value {
                    Some(value) => batch.put(table, key, value),
                    None => batch.delete(table, key),
                }
            }
        }
        Ok(batch)
    }

    /// The changes as they are, for [`absorb`](Self::absorb).
    pub(crate) fn into_changes(self) -> Result<BTreeMap<Table, Changes>, StoreError> {
        match self.failure.into_inner() {
            Some(failure) => Err(failure),
            None => Ok(self.changes),
        }
    }

    /// Takes over the changes of an overlay that lay on top of this one.
    pub(crate) fn absorb(&mut self, changes: BTreeMap<Table, Changes>) {
        for (table, changes) in changes {
            self.changes.entry(table).or_default().extend(changes);
        }
    }

    /// A table in its two layers: what lies below, and what was changed here. For whoever must tell them apart; an error of a read
    /// below is not kept as this overlay's failure.
    pub(crate) fn layers(&self, table: Table) -> (&'a dyn Reader, Option<&Changes>) {
        (self.base, self.changes.get(&table))
    }

    fn change(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        // The failure stays for whoever takes the changes.
        if self.noted(self.check(table)).is_ok() {
            self.changes.entry(table).or_default().insert(key, value);
        }
    }

    fn check(&self, table: Table) -> Result<(), StoreError> {
        if self.tables.contains(&table) { Ok(()) } else { Err(StoreError::UnknownTable { table: table.name() }) }
    }

    fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &result {
            self.fail(error.clone());
        }
        result
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.check(table)?;
        match self.changes.get(&table).and_then(|changes| changes.get(key)) {
            Some(changed) => Ok(changed.clone()),
            None => self.base.get(table, key),
        }
    }

    fn read_range(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.check(table)?;
        match self.changes.get(&table) {
            Some(changes) => self.merged(table, changes, range, limit),
            None => self.base.scan(table, range.from, range.to, range.direction, limit),
        }
    }

    /// Page by page: what lies below in a stretch of the range, with the changes of the same stretch applied to it.
    fn merged(&self, table: Table, changes: &Changes, range: Range<'_>, limit: usize) -> Result<Vec<Pair>, StoreError> {
        let (mut from, mut to) = (range.from.to_vec(), range.to.to_vec());
        let mut found = Vec::new();
        while found.len() < limit && (to.is_empty() || from < to) {
            let wanted = (limit - found.len()).max(PAGE);
            let page = self.base.scan(table, &from, &to, range.direction, wanted)?;
            let edge = page.last().map(|(key, _)| key.clone()).filter(|_| page.len() == wanted);
            let Some(edge) = edge else {
                found.extend(applied(page, changes, &from, &to, range.direction));
                break;
            };
            let after_edge = [edge.as_slice(), &[0]].concat();
            match range.direction {
                Direction::Ascending => {
                    found.extend(applied(page, changes, &from, &after_edge, range.direction));
                    from = after_edge;
                }
                Direction::Descending => {
                    found.extend(applied(page, changes, &edge, &to, range.direction));
                    // An empty key has nothing before it, and an empty `to` would mean "no bound".
                    if edge.is_empty() {
                        break;
                    }
                    to = edge;
                }
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

struct Range<'r> {
    from: &'r [u8],
    to: &'r [u8],
    direction: Direction,
}

/// A page with the changes of `[from, to)` applied, in the direction asked for.
fn applied(page: Vec<Pair>, changes: &Changes, from: &[u8], to: &[u8], direction: Direction) -> Vec<Pair> {
    let mut pairs: BTreeMap<Vec<u8>, Vec<u8>> = page.into_iter().collect();
    let upper = if to.is_empty() { Bound::Unbounded } else { Bound::Excluded(to) };
    for (key, value) in changes.range::<[u8], _>((Bound::Included(from), upper)) {
        match value {
            Some(value) => pairs.insert(key.clone(), value.clone()),
            None => pairs.remove(key),
        };
    }
    match direction {
        Direction::Ascending => pairs.into_iter().collect(),
        Direction::Descending => pairs.into_iter().rev().collect(),
    }
}

impl Reader for Overlay<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.noted(self.read(table, key))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.noted(self.read_range(table, Range { from, to, direction }, limit))
    }
}
