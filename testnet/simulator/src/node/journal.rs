//! A node's journal: records in and out, and how far it may be cut off at a stable checkpoint.

use std::sync::Arc;

use tetrarch_replica::{LiveRecords, Record};
use tetrarch_storage::{FaultyStore, Journal, JournalError, StoreError};
use tetrarch_types::{SeqNum, decode, encode, limits};

use super::Disk;
use super::fault::Fault;

/// A record holds at most one batch, or one NEW-VIEW.
pub(super) const MAX_RECORD_BYTES: usize = limits::MAX_BULK_BYTES;

/// The journal of a replica's records.
pub(super) struct Records {
    journal: Journal<Arc<FaultyStore>>,
    live: LiveRecords,
}

impl Records {
    /// Opens the journal of a disk. One that is cut or altered is begun anew, with a record that says so; if records are known to be
    /// `lost` otherwise, that is noted as well.
    ///
    /// # Errors
    /// One of its entries is no record, or the disk takes no more.
    pub(super) fn open(disk: &Disk, lost: bool) -> Result<(Self, Vec<Record>), Fault> {
        let (mut records, mut read) = Self::open_or_begin(disk)?;
        if lost && !is_lost(&read) {
            records.append(&[Record::Lost])?;
            read.push(Record::Lost);
        }
        Ok((records, read))
    }

    fn open_or_begin(disk: &Disk) -> Result<(Self, Vec<Record>), Fault> {
        let (journal, entries) = match Journal::open(disk.store.clone(), Box::new(disk.mark.clone())) {
            Ok(opened) => opened,
            Err(JournalError::Store(error)) if !matches!(error, StoreError::Corrupt { .. }) => return Err(error.into()),
            Err(_) => {
                let note = [encode(&Record::Lost)];
                let journal = Journal::start_over(disk.store.clone(), Box::new(disk.mark.clone()), &note)?;
                let mut live = LiveRecords::default();
                live.note(journal.first(), &Record::Lost);
                return Ok((Self { journal, live }, vec![Record::Lost]));
            }
        };
        let mut live = LiveRecords::default();
        let mut read = Vec::with_capacity(entries.len());
        for entry in entries {
            let record = decode(&entry.payload, MAX_RECORD_BYTES)
                .map_err(|error| Fault::Broken(format!("journal entry {}: {error}", entry.index)))?;
            live.note(entry.index, &record);
            read.push(record);
        }
        Ok((Self { journal, live }, read))
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> u64 {
        self.journal.next() - self.journal.first()
    }

    /// Appends a turn's records with one write.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let append = if records.iter().all(Record::stands_alone) { Journal::append_later } else { Journal::append };
        let first = append(&mut self.journal, records.iter().map(encode).collect())?;
        for (index, record) in (first..).zip(records) {
            self.live.note(index, record);
        }
        Ok(())
    }

    /// Tells the store what was left to the mark.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn tell(&mut self) -> Result<(), JournalError> {
        self.journal.tell()
    }

    /// Forgets what a stable checkpoint makes needless.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn discard(&mut self, through: SeqNum) -> Result<(), JournalError> {
        let first = self.live.discard(through, self.journal.next());
        self.journal.truncate_before(first)
    }
}

/// Whether the records say by themselves that some are gone.
fn is_lost(records: &[Record]) -> bool {
    let last = records.iter().rev().find(|record| matches!(record, Record::Lost | Record::Cured));
    matches!(last, Some(Record::Lost))
}
