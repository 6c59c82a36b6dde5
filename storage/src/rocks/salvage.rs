//! Getting out of a damaged database what can still be read.
//!
//! ```text
//!   table   a b c d e f │ damaged │ p q r s t
//!           ───────────▶            ◀──────────
//!           forwards to the first   backwards to the first
//!           error                   error: a Loss after f, before p
//! ```
//!
//! Whatever lies between two damaged places of one table is lost with them: rows that can be read there may be older than
//! ones that cannot, or deleted by them.

use std::fs;
use std::io;
use std::path::Path;

use rocksdb::{ColumnFamily, DB, Error, IteratorMode, WriteBatch, WriteOptions};

use super::{database, errors, options, rows};
use crate::StoreError;
use crate::files::{beside, remove_if_there, sync_parent};

/// How much is written at once.
const BATCH: usize = 1 << 20;

/// Rows of one table that [`RocksStore::salvage`](crate::RocksStore::salvage) could not read: those strictly between two keys.
/// Which keys there were is not known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// The table's name.
    pub table: String,
    /// The last key read from the front; `None` if there was none.
    pub after: Option<Vec<u8>>,
    /// The first key read from the back; `None` if there was none.
    pub before: Option<Vec<u8>>,
    /// What the database said when it was read from the front.
    pub reason: String,
}

pub(super) fn salvage(from: &Path, to: &Path) -> Result<Vec<Loss>, StoreError> {
    let io = |error| StoreError::from_io("Salvaging to", to, &error);
    if to.try_exists().map_err(io)? {
        return Err(io(io::Error::new(io::ErrorKind::AlreadyExists, "it exists already, and is left as it is")));
    }
    database::refuse_if_open(from)?;
    let cache = options::block_cache();
    let source = database::open_read_only(from, &options::salvaging(), &cache)?;
    let draft = beside(to, ".part");
    remove_if_there(&draft).map_err(io)?;
    let losses = copy(from, &source, &draft)?;
    fs::rename(&draft, to).and_then(|()| sync_parent(to)).map_err(io)?;
    Ok(losses)
}

/// Into a new database, which is closed and durable when this returns.
fn copy(from: &Path, source: &DB, draft: &Path) -> Result<Vec<Loss>, StoreError> {
    let names = database::table_names(from)?;
    let path = database::directory(draft).map_err(|error| StoreError::from_io("Creating", draft, &error))?;
    let copy = database::open(&path, names.clone(), &options::block_cache())?;
    let mut losses = Vec::new();
    for table in &names {
        if let (Some(from), Some(to)) = (source.cf_handle(table), copy.cf_handle(table)) {
            losses.extend(copy_table(table, source, from, &mut Writer::new(&copy, to))?);
        }
    }
    sync(&copy)?;
    Ok(losses)
}

fn copy_table(
    table: &str,
    source: &DB,
    family: &ColumnFamily,
    writer: &mut Writer<'_>,
) -> Result<Option<Loss>, StoreError> {
    let front = copy_rows(source, family, None, writer)?;
    let Some(error) = front.error else { return Ok(None) };
    let back = copy_rows(source, family, Some(front.last.as_deref()), writer)?;
    // From the back it came all the way: the error is gone, and nothing is missing.
    let lost = |_| Loss { table: table.to_owned(), after: front.last, before: back.last, reason: error.into_string() };
    Ok(back.error.map(lost))
}

/// How far a scan came.
struct Reach {
    last: Option<Vec<u8>>,
    error: Option<Error>,
}

/// Copies rows until there are no more or one cannot be read: from the front, or from the back down to a key that was copied.
fn copy_rows(
    source: &DB,
    family: &ColumnFamily,
    down_to: Option<Option<&[u8]>>,
    writer: &mut Writer<'_>,
) -> Result<Reach, StoreError> {
    let mut options = rows::read_options();
    options.fill_cache(false);
    if let Some(copied) = down_to.flatten() {
        options.set_iterate_lower_bound([copied, &[0]].concat());
    }
    let mode = if down_to.is_some() { IteratorMode::End } else { IteratorMode::Start };
    let mut reach = Reach { last: None, error: None };
    for row in source.iterator_cf_opt(family, options, mode) {
        match row {
            Ok((key, value)) => {
                writer.put(&key, &value)?;
                reach.last = Some(key.into_vec());
            }
            Err(error) => {
                reach.error = Some(error);
                break;
            }
        }
    }
    writer.finish()?;
    Ok(reach)
}

/// Writes to one table of the copy, some rows at a time.
struct Writer<'a> {
    db: &'a DB,
    family: &'a ColumnFamily,
    batch: WriteBatch,
}

impl<'a> Writer<'a> {
    fn new(db: &'a DB, family: &'a ColumnFamily) -> Self {
        Self { db, family, batch: WriteBatch::default() }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.batch.put_cf(self.family, key, value);
        if self.batch.size_in_bytes() < BATCH { Ok(()) } else { self.finish() }
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        self.db.write(batch).map_err(|error| errors::on_write(self.db.path(), error))
    }
}

/// An empty synced write takes all before it to the disk.
fn sync(db: &DB) -> Result<(), StoreError> {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    db.write_opt(WriteBatch::default(), &options).map_err(|error| errors::on_write(db.path(), error))
}
