//! A node's journal: records in and out, and how far it may be cut off at a stable checkpoint.

use std::collections::VecDeque;
use std::sync::Arc;

use tetrarch_replica::Record;
use tetrarch_storage::{FaultyStore, Journal, JournalError};
use tetrarch_types::{Payload, SeqNum, View, decode, encode, limits};

use super::Disk;

/// A record holds at most one batch, or one NEW-VIEW.
const MAX_RECORD_BYTES: usize = limits::MAX_BULK_BYTES;

/// The journal of a replica's records. What lives and what may go is as in the server's driver: records about a sequence number
/// live until a stable checkpoint covers it, and the NEW-VIEW in front of the first of them with it; of the others the last one.
pub(super) struct Records {
    journal: Journal<Arc<FaultyStore>>,
    slots: VecDeque<(u64, SeqNum)>,
    entered: VecDeque<(u64, View)>,
    /// The last moves to a view that is not entered yet.
    moving: Vec<(u64, View)>,
    stable: Option<u64>,
}

impl Records {
    /// Opens the journal of a disk.
    ///
    /// # Errors
    /// A sentence: the journal does not open, or one of its entries is no record.
    pub(super) fn open(disk: &Disk) -> Result<(Self, Vec<Record>), String> {
        let opened = Journal::open(disk.store.clone(), Box::new(disk.mark.clone()));
        let (journal, entries) = opened.map_err(|error| error.to_string())?;
        let (slots, entered) = (VecDeque::new(), VecDeque::new());
        let mut records = Self { journal, slots, entered, moving: Vec::new(), stable: None };
        let mut read = Vec::with_capacity(entries.len());
        for entry in entries {
            let record = decode(&entry.payload, MAX_RECORD_BYTES)
                .map_err(|error| format!("journal entry {}: {error}", entry.index))?;
            records.note(entry.index, &record);
            read.push(record);
        }
        Ok((records, read))
    }

    /// Appends a turn's records with one write.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let first = self.journal.append(records.iter().map(encode).collect())?;
        for (index, record) in (first..).zip(records) {
            self.note(index, record);
        }
        Ok(())
    }

    /// Forgets what a stable checkpoint makes needless.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn discard(&mut self, through: SeqNum) -> Result<(), JournalError> {
        let slot = self.slots.iter().find(|(_, seq)| *seq > through).map(|(index, _)| *index);
        let its_view = slot.and_then(|slot| self.entered.iter().rev().find(|(index, _)| *index < slot));
        let views = its_view.into_iter().chain(self.entered.back()).chain(&self.moving).map(|(index, _)| *index);
        let first = views.chain(slot).chain(self.stable).min().unwrap_or(self.journal.next());
        self.slots.retain(|(index, _)| *index >= first);
        self.entered.retain(|(index, _)| *index >= first);
        self.journal.truncate_before(first)
    }

    fn note(&mut self, index: u64, record: &Record) {
        if let Some(seq) = record.seq() {
            self.slots.push_back((index, seq));
        }
        match record {
            Record::Entered(new_view) => {
                let entered = new_view.payload.view;
                self.entered.push_back((index, entered));
                self.moving.retain(|(_, view)| *view > entered);
            }
            Record::ViewChanging { view } | Record::Starting(Payload::NewView { view, .. }) => {
                self.moving.retain(|(_, older)| older == view);
                self.moving.push((index, *view));
            }
            Record::Stable(_) => self.stable = Some(index),
            _ => {}
        }
    }
}
