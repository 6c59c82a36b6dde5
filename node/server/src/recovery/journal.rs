//! The journal as it is, or a new one when it is not all there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tetrarch_replica::{LiveRecords, Record};
use tetrarch_storage::{Beside, Entry, HighWaterMark, Journal, JournalError, Marked, Store, StoreError};
use tetrarch_types::{decode, encode, limits};

use super::{Findings, has_peers, store_error};
use crate::{Identity, NodeConfig, NodeError};

/// The longest record is a NEW-VIEW, which travelled in one bulk message.
const MAX_RECORD_BYTES: usize = 2 * limits::MAX_BULK_BYTES;

/// An open journal.
pub(super) struct Opened<S: Store> {
    pub(super) journal: Journal<S>,
    pub(super) live: LiveRecords,
    pub(super) records: Vec<Record>,
}

/// Opens the journal. One that is cut, altered or unreadable tells nothing that may be trusted: it is begun anew behind its mark, with
/// a record that says so, unless there is nobody to recover from. If records are known to be `lost` otherwise, that is noted as well,
/// before anything else is done that could hide it (rule A-2).
pub(super) fn open<S: Store + Clone>(
    config: &NodeConfig,
    identity: &Identity,
    store: S,
    mark: KeptMark,
    lost: bool,
    findings: &mut Findings,
) -> Result<Opened<S>, NodeError> {
    let mut opened = open_or_begin(config, identity, store, mark, lost, findings)?;
    if lost && !is_lost(&opened.records) {
        let note = vec![encode(&Record::Lost)];
        let index = opened.journal.append(note).map_err(|error| refused(config, error))?;
        opened.note_loss(index);
    }
    Ok(opened)
}

fn open_or_begin<S: Store + Clone>(
    config: &NodeConfig,
    identity: &Identity,
    store: S,
    mark: KeptMark,
    lost: bool,
    findings: &mut Findings,
) -> Result<Opened<S>, NodeError> {
    let read = Journal::open(store.clone(), Box::new(mark.clone()))
        .map_err(|error| refused(config, error))
        .and_then(|(journal, entries)| Ok((journal, records(config, entries)?)));
    match read {
        Ok((journal, (live, records))) => Ok(Opened { journal, live, records }),
        Err(error) if is_loss(&error) && has_peers(identity) => {
            if !(lost && is_absent(&error)) {
                let reason = error.to_string();
                let reason = reason.strip_prefix("refused as unsafe: ").unwrap_or(&reason);
                findings.add(format!("the journal of this replica's votes is begun anew: {reason}"));
            }
            let journal = Journal::start_over(store, Box::new(mark), &[encode(&Record::Lost)]);
            let journal = journal.map_err(|error| refused(config, error))?;
            let index = journal.first();
            let mut opened = Opened { journal, live: LiveRecords::default(), records: Vec::new() };
            opened.note_loss(index);
            Ok(opened)
        }
        Err(error) => Err(error),
    }
}

impl<S: Store> Opened<S> {
    /// The journal says so at this index.
    fn note_loss(&mut self, index: u64) {
        self.live.note(index, &Record::Lost);
        self.records.push(Record::Lost);
    }
}

/// Whether the records say by themselves that some are gone.
fn is_lost(records: &[Record]) -> bool {
    records.iter().rev().find_map(|record| match record {
        Record::Lost => Some(true),
        Record::Cured => Some(false),
        _ => None,
    }) == Some(true)
}

/// An entry that is as it was written and no record of this version is no loss: the version that wrote it reads it.
const fn is_loss(error: &NodeError) -> bool {
    matches!(error, NodeError::JournalUnsafe { .. })
}

/// Whether there is neither an entry nor a mark: if it is known that something is lost, there is no more to say about that.
const fn is_absent(error: &NodeError) -> bool {
    matches!(error, NodeError::JournalUnsafe { source: JournalError::MarkMissing { have: 0 }, .. })
}

/// Says an error of the journal in the node's terms.
pub(super) fn refused(config: &NodeConfig, error: JournalError) -> NodeError {
    match error {
        JournalError::Store(error) => store_error(config, error),
        source => NodeError::JournalUnsafe { path: config.data_dir.clone(), source },
    }
}

fn records(config: &NodeConfig, entries: Vec<Entry>) -> Result<(LiveRecords, Vec<Record>), NodeError> {
    let mut live = LiveRecords::default();
    let mut records = Vec::with_capacity(entries.len());
    for Entry { index, payload } in entries {
        let record = decode(&payload, MAX_RECORD_BYTES)
            .map_err(|_| NodeError::RecordUnreadable { path: config.data_dir.clone(), index })?;
        live.note(index, &record);
        records.push(record);
    }
    Ok((live, records))
}

/// A mark that outlives the attempt to open a journal with it.
#[derive(Clone)]
pub(super) struct KeptMark(Arc<Mutex<Box<dyn HighWaterMark>>>);

impl KeptMark {
    pub(super) fn new(mark: Box<dyn HighWaterMark>) -> Self {
        Self(Arc::new(Mutex::new(mark)))
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn HighWaterMark>> {
        // A mark is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HighWaterMark for KeptMark {
    fn read(&self) -> Result<Option<Marked>, StoreError> {
        self.lock().read()
    }

    fn advance_with(&mut self, marked: Marked) -> Result<(), StoreError> {
        self.lock().advance_with(marked)
    }

    fn advance_beside(&mut self, marked: Marked, beside: Beside<'_>) -> Result<(), StoreError> {
        self.lock().advance_beside(marked, beside)
    }
}
