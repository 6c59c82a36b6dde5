//! Reading rows, the same from a database that is written and from one that is not.

use rocksdb::{ColumnFamily, DB, DBIterator, IteratorMode, ReadOptions, Snapshot};

use super::errors;
use crate::store::{Direction, Pair, Reader};
use crate::{StoreError, Table};

pub(super) fn family(db: &DB, table: Table) -> Result<&ColumnFamily, StoreError> {
    db.cf_handle(table.name()).ok_or(StoreError::UnknownTable { table: table.name() })
}

pub(super) fn get(db: &DB, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let family = family(db, table)?;
    db.get_cf_opt(family, key, &read_options()).map_err(|error| errors::on_read(table.name(), error))
}

pub(super) fn scan(
    db: &DB,
    table: Table,
    from: &[u8],
    to: &[u8],
    direction: Direction,
    limit: usize,
) -> Result<Vec<Pair>, StoreError> {
    let family = family(db, table)?;
    scan_with(|options, mode| db.iterator_cf_opt(family, options, mode), table, from, to, direction, limit)
}

/// A database as it was when this was made.
pub(super) struct View<'a> {
    db: &'a DB,
    snapshot: Snapshot<'a>,
}

impl<'a> View<'a> {
    pub(super) fn of(db: &'a DB) -> Self {
        Self { db, snapshot: db.snapshot() }
    }
}

impl Reader for View<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let family = family(self.db, table)?;
        let read = self.snapshot.get_cf_opt(family, key, read_options());
        read.map_err(|error| errors::on_read(table.name(), error))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let family = family(self.db, table)?;
        let rows = |options, mode| self.snapshot.iterator_cf_opt(family, options, mode);
        scan_with(rows, table, from, to, direction, limit)
    }
}

fn scan_with<'a>(
    rows: impl FnOnce(ReadOptions, IteratorMode<'static>) -> DBIterator<'a>,
    table: Table,
    from: &[u8],
    to: &[u8],
    direction: Direction,
    limit: usize,
) -> Result<Vec<Pair>, StoreError> {
    if limit == 0 || (!to.is_empty() && from >= to) {
        return Ok(Vec::new());
    }
    let mut options = read_options();
    options.set_iterate_lower_bound(from);
    if !to.is_empty() {
        options.set_iterate_upper_bound(to);
    }
    let mode = match direction {
        Direction::Ascending => IteratorMode::Start,
        Direction::Descending => IteratorMode::End,
    };
    rows(options, mode)
        .take(limit)
        .map(|pair| pair.map(|(key, value)| (key.into_vec(), value.into_vec())))
        .collect::<Result<_, _>>()
        .map_err(|error| errors::on_read(table.name(), error))
}

/// Every read compares checksums.
pub(super) fn read_options() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(true);
    options
}
