//! Records on their way from the order of keys to that of revisions.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom, Write};

use tetrarch_kv::KeyRecord;

use super::schema::{REVISION_BYTES, deleted, record, revision, tombstone};
use crate::bolt::Entries;

/// Records in a file, and where in it each of them is. It holds so many of them at most.
#[derive(Debug)]
pub(crate) struct Spool<F> {
    file: F,
    bytes: u64,
    rows: Vec<Row>,
    leases: BTreeSet<u64>,
    bounds: Bounds,
}

/// What a spool takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Records.
    pub(crate) records: usize,
    /// Their bytes, as etcd writes them.
    pub(crate) bytes: u64,
    /// Leases that keys hang on.
    pub(crate) leases: usize,
}

/// Where a record is.
#[derive(Debug)]
struct Row {
    /// The revision that put it.
    revision: u64,
    place: u64,
    bytes: u32,
    /// Its number among those of the revision.
    sub: u32,
}

/// Why records are not taken.
#[derive(Debug)]
pub(crate) enum SpoolError {
    /// They are too many.
    Full,
    /// The file cannot be written.
    File(io::Error),
}

impl<F: Write> Spool<F> {
    /// An empty one, whose file is empty.
    pub(crate) const fn new(file: F, bounds: Bounds) -> Self {
        Self { file, bytes: 0, rows: Vec::new(), leases: BTreeSet::new(), bounds }
    }

    /// Adds records, the keys in order.
    ///
    /// # Errors
    /// If they do not fit, or the file says no; the spool is of no use any more then.
    pub(crate) fn add(&mut self, records: Vec<(Vec<u8>, KeyRecord)>) -> Result<(), SpoolError> {
        let mut page = Vec::new();
        for (key, known) in records {
            self.leases.extend(Some(known.lease).filter(|lease| *lease != 0));
            self.write(&mut page, known.mod_revision, &record(key, known))?;
        }
        self.flush(&page)
    }

    /// The leases that keys hang on.
    pub(crate) fn leases(&self) -> &BTreeSet<u64> {
        &self.leases
    }

    /// Sorts the records by their revisions, those of one revision by their keys. Behind them come the deletions of the latest revision.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(crate) fn sort(mut self, latest: u64, gone: Vec<Vec<u8>>) -> Result<Keys<F>, SpoolError> {
        self.rows.sort_unstable_by_key(|row| (row.revision, row.place));
        let records = self.rows.len();
        let mut page = Vec::new();
        for key in gone {
            self.write(&mut page, latest, &deleted(key))?;
        }
        self.flush(&page)?;
        let mut before = (0, 0);
        for row in &mut self.rows {
            row.sub = if row.revision == before.0 { before.1 + 1 } else { 0 };
            before = (row.revision, row.sub);
        }
        Ok(Keys { file: self.file, rows: self.rows, records })
    }

    /// Puts one into the page that is written next.
    fn write(&mut self, page: &mut Vec<u8>, revision: u64, bytes: &[u8]) -> Result<(), SpoolError> {
        let place = self.bytes + page.len() as u64;
        let fits = place + bytes.len() as u64 <= self.bounds.bytes
            && self.rows.len() < self.bounds.records
            && self.leases.len() <= self.bounds.leases;
        let Some(length) = u32::try_from(bytes.len()).ok().filter(|_| fits) else { return Err(SpoolError::Full) };
        page.extend_from_slice(bytes);
        self.rows.push(Row { revision, place, bytes: length, sub: 0 });
        Ok(())
    }

    fn flush(&mut self, page: &[u8]) -> Result<(), SpoolError> {
        self.file.write_all(page).map_err(SpoolError::File)?;
        self.bytes += page.len() as u64;
        Ok(())
    }
}

/// The records of a spool, as etcd keeps them.
#[derive(Debug)]
pub(crate) struct Keys<F> {
    file: F,
    rows: Vec<Row>,
    /// The rows behind these are deletions.
    records: usize,
}

impl<F: Read + Seek> Entries for Keys<F> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, at: usize) -> Vec<u8> {
        let Row { revision: main, sub, .. } = self.rows[at];
        if at < self.records { revision(main, sub) } else { tombstone(main, sub) }
    }

    fn key_len(&self, at: usize) -> usize {
        REVISION_BYTES + usize::from(at >= self.records)
    }

    fn value_len(&self, at: usize) -> usize {
        self.rows[at].bytes as usize
    }

    fn value(&mut self, at: usize) -> io::Result<Vec<u8>> {
        let mut value = vec![0; self.value_len(at)];
        self.file.seek(SeekFrom::Start(self.rows[at].place))?;
        self.file.read_exact(&mut value)?;
        Ok(value)
    }
}
