//! A node's journal: records in and out, and how far it may be cut off at a stable checkpoint.

use std::sync::Arc;

use tetrarch_replica::{LiveRecords, Record};
use tetrarch_storage::{FaultyStore, Journal, JournalError};
use tetrarch_types::{SeqNum, decode, encode, limits};

use super::Disk;

/// A record holds at most one batch, or one NEW-VIEW.
const MAX_RECORD_BYTES: usize = limits::MAX_BULK_BYTES;

/// The journal of a replica's records.
pub(super) struct Records {
    journal: Journal<Arc<FaultyStore>>,
    live: LiveRecords,
}

impl Records {
    /// Opens the journal of a disk. One that is cut or altered is begun anew: the last value says so.
    ///
    /// # Errors
    /// A sentence: one of its entries is no record, or the disk fails.
    pub(super) fn open(disk: &Disk) -> Result<(Self, Vec<Record>, bool), String> {
        let (journal, entries) = match Journal::open(disk.store.clone(), Box::new(disk.mark.clone())) {
            Ok(opened) => opened,
            Err(_) => {
                let journal = Journal::start_over(disk.store.clone(), Box::new(disk.mark.clone()));
                let journal = journal.map_err(|error| error.to_string())?;
                return Ok((Self { journal, live: LiveRecords::default() }, Vec::new(), true));
            }
        };
        let mut live = LiveRecords::default();
        let mut read = Vec::with_capacity(entries.len());
        for entry in entries {
            let record = decode(&entry.payload, MAX_RECORD_BYTES)
                .map_err(|error| format!("journal entry {}: {error}", entry.index))?;
            live.note(entry.index, &record);
            read.push(record);
        }
        Ok((Self { journal, live }, read, false))
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
        let first = self.journal.append(records.iter().map(encode).collect())?;
        for (index, record) in (first..).zip(records) {
            self.live.note(index, record);
        }
        Ok(())
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
