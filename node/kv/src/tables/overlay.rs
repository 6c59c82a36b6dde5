//! Reading one's own writes before they are written.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use tetrarch_storage::{Direction, Pair, Reader, StoreError, Table, WriteBatch};

/// Entries fetched from below at a time, at least, once a few were in vain: a run of deleted ones must not cost a scan each.
const PAGE: usize = 16;

pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A few tables as they will be after the changes made here, on top of what is below.
///
/// Nothing is written below; the changes come out as one [`WriteBatch`]. The first error of a read, and any use of a table that
/// was not named, is kept in [`failure`](Self::failure): changes of an overlay that failed must be thrown away.
pub struct Overlay<'a> {
    base: &'a dyn Reader,
    tables: &'a [Table],
    /// Of each table that was changed. A dozen are found sooner by looking at each than by comparing names in order.
    changes: Vec<(Table, Changes)>,
    /// What changes replaced since the outermost attempt under way began, in order.
    replaced: Vec<Replaced>,
    /// Attempts under way, each within the one before.
    attempts: usize,
    /// What was counted of it, that of undone attempts too.
    work: usize,
    failure: OnceCell<StoreError>,
}

/// A change that took the place of another one, or of none.
struct Replaced {
    table: Table,
    key: Vec<u8>,
    before: Before,
}

/// What a change is undone to.
enum Before {
    /// Another change, or none.
    Change(Option<Option<Vec<u8>>>),
    /// So many bytes of the same row.
    Length(usize),
}

/// Where an attempt began.
#[must_use = "an attempt is kept or undone"]
pub(crate) struct Attempt(usize);

impl<'a> Overlay<'a> {
    /// No changes yet, on top of `base`; only `tables` can be used.
    pub fn new(base: &'a dyn Reader, tables: &'a [Table]) -> Self {
        Self { base, tables, changes: Vec::new(), replaced: Vec::new(), attempts: 0, work: 0, failure: OnceCell::new() }
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.change(table, key.into(), Some(value.into()));
    }

    /// Removes `key` if it is there.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.change(table, key.into(), None);
    }

    /// Adds to the end of a row; false if it is not there. What was put here is not copied, so a row may grow piece by piece.
    ///
    /// # Errors
    /// If the row cannot be read.
    pub(crate) fn extend(&mut self, table: Table, key: &[u8], more: &[u8]) -> Result<bool, StoreError> {
        self.noted(self.check(table))?;
        let put =
            self.changes.iter_mut().find(|(held, _)| *held == table).and_then(|(_, changes)| changes.get_mut(key));
        if let Some(Some(row)) = put {
            let before = Before::Length(row.len());
            row.extend_from_slice(more);
            if self.attempts > 0 {
                self.replaced.push(Replaced { table, key: key.to_vec(), before });
            }
            return Ok(true);
        }
        let Some(row) = self.get(table, key)? else { return Ok(false) };
        self.put(table, key, [&row, more].concat());
        Ok(true)
    }

    /// Adds to the work that was done on this overlay, in a measure of the machine's own. A batch is executed on one overlay: a machine whose
    /// commands may be much work for few bytes counts it here, and refuses by it what would be too much for one batch.
    pub const fn count_work(&mut self, work: usize) {
        self.work = self.work.saturating_add(work);
    }

    /// The work that was counted since this overlay was made.
    pub const fn work(&self) -> usize {
        self.work
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
    pub fn into_batch(mut self) -> Result<WriteBatch, StoreError> {
        if let Some(failure) = self.failure.into_inner() {
            return Err(failure);
        }
        let mut batch = WriteBatch::new();
        self.changes.sort_unstable_by_key(|(table, _)| *table);
        for (table, changes) in self.changes {
            for (key, value) in changes {
                match value {
                    Some(value) => batch.put(table, key, value),
                    None => batch.delete(table, key),
                }
            }
        }
        Ok(batch)
    }

    /// Lets someone use these tables only.
    ///
    /// # Errors
    /// The overlay's [`failure`](Self::failure), if it has one by then.
    pub(crate) fn within<T>(
        &mut self,
        tables: &'a [Table],
        work: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, StoreError> {
        let all = std::mem::replace(&mut self.tables, tables);
        let done = work(self);
        self.tables = all;
        self.failure.get().map_or(Ok(done), |failure| Err(failure.clone()))
    }

    /// From here on changes can be undone, until the attempt is kept. Attempts end in the opposite order.
    pub(crate) const fn attempt(&mut self) -> Attempt {
        self.attempts += 1;
        Attempt(self.replaced.len())
    }

    /// Ends an attempt, with all that was changed.
    pub(crate) fn keep(&mut self, _attempt: Attempt) {
        self.attempts = self.attempts.saturating_sub(1);
        if self.attempts == 0 {
            self.replaced.clear();
        }
    }

    /// Ends an attempt as if it had not been made.
    pub(crate) fn undo(&mut self, attempt: Attempt) {
        for Replaced { table, key, before } in self.replaced.split_off(attempt.0).into_iter().rev() {
            let changes = self.changes_mut(table);
            match before {
                Before::Change(Some(before)) => drop(changes.insert(key, before)),
                Before::Change(None) => drop(changes.remove(&key)),
                Before::Length(length) => {
                    changes.get_mut(&key).into_iter().flatten().for_each(|row| row.truncate(length));
                }
            }
        }
        self.keep(attempt);
    }

    /// A table in its two layers: what lies below, and what was changed here. For whoever must tell them apart; an error of a read
    /// below is not kept as this overlay's failure.
    pub(crate) fn layers(&self, table: Table) -> (&'a dyn Reader, Option<&Changes>) {
        (self.base, self.changes(table))
    }

    fn changes(&self, table: Table) -> Option<&Changes> {
        self.changes.iter().find(|(held, _)| *held == table).map(|(_, changes)| changes)
    }

    fn changes_mut(&mut self, table: Table) -> &mut Changes {
        let at = self.changes.iter().position(|(held, _)| *held == table).unwrap_or(self.changes.len());
        if at == self.changes.len() {
            self.changes.push((table, Changes::new()));
        }
        &mut self.changes[at].1
    }

    fn change(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        // The failure stays for whoever takes the changes.
        if self.noted(self.check(table)).is_err() {
            return;
        }
        let value = value.map(snug);
        if self.attempts == 0 {
            self.changes_mut(table).insert(key, value);
        } else {
            let before = self.changes_mut(table).insert(key.clone(), value);
            self.replaced.push(Replaced { table, key, before: Before::Change(before) });
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
        match self.changes(table).and_then(|changes| changes.get(key)) {
            Some(changed) => Ok(changed.clone()),
            None => self.base.get(table, key),
        }
    }

    fn read_range(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.check(table)?;
        match self.changes(table) {
            Some(changes) => self.merged(table, changes, range, limit),
            None => self.base.scan(table, range.from, range.to, range.direction, limit),
        }
    }

    /// Page by page: what lies below in a stretch of the range, with the changes of the same stretch applied to it.
    fn merged(&self, table: Table, changes: &Changes, range: Range<'_>, limit: usize) -> Result<Vec<Pair>, StoreError> {
        let (mut from, mut to) = (range.from.to_vec(), range.to.to_vec());
        let (mut found, mut least) = (Vec::new(), 1);
        while found.len() < limit && (to.is_empty() || from < to) {
            let wanted = (limit - found.len()).max(least);
            least = (2 * least).min(PAGE);
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

/// The same bytes in no more room than they need, about: an encoding is put together in half a kilobyte, and an overlay holds thousands.
fn snug(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.capacity() / 2 > bytes.len() { bytes.as_slice().to_vec() } else { bytes }
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

#[cfg(test)]
mod tests;
