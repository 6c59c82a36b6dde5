//! A database that is only read.

use std::path::Path;

use rocksdb::{Cache, DB, IteratorMode};

use super::{database, errors, options, rows};
use crate::store::{Direction, Pair, Reader};
use crate::{StoreError, Table};

/// A RocksDB that is read and never changed: a stopped node's, or a snapshot. All its tables are open, and every read compares
/// checksums. What stood in its log is held in memory: about 64 MiB at most, for a snapshot 16.
pub struct RocksReader {
    db: DB,
}

impl RocksReader {
    pub(super) fn open(path: &Path, cache: &Cache) -> Result<Self, StoreError> {
        Ok(Self { db: database::open_read_only(path, &options::reading(), cache)? })
    }

    /// Visits every row of the table of that name in ascending order, and says how many there were. What is read in doing so
    /// is compared with its checksums, so that this checks the whole table.
    ///
    /// # Errors
    /// [`StoreError::Io`] if there is no such table, and as for [`Reader::get`]. The rows before have been visited.
    pub fn scan_all(&self, table: &str, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<u64, StoreError> {
        let absent = || StoreError::Io {
            doing: format!("Reading the table {table:?}"),
            reason: "the database has no table of that name".to_owned(),
        };
        let family = self.db.cf_handle(table).ok_or_else(absent)?;
        let mut options = rows::read_options();
        options.fill_cache(false);
        let mut count = 0;
        for row in self.db.iterator_cf_opt(family, options, IteratorMode::Start) {
            let (key, value) = row.map_err(|error| errors::on_read(table, error))?;
            visit(&key, &value);
            count += 1;
        }
        Ok(count)
    }

    /// The bytes that its tables take: as for [`Store::stored_bytes`](crate::Store::stored_bytes).
    ///
    /// # Errors
    /// [`StoreError::Io`] if the database cannot tell, [`StoreError::Corrupt`] if its list of tables is damaged.
    pub fn stored_bytes(&self) -> Result<u64, StoreError> {
        database::size(&self.db, &database::table_names(self.db.path())?)
    }
}

impl std::fmt::Debug for RocksReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksReader").field("path", &self.db.path()).finish()
    }
}

impl Reader for RocksReader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        rows::get(&self.db, table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        rows::scan(&self.db, table, from, to, direction, limit)
    }
}
