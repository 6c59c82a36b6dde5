//! From what is durable to a replica that may vote, or to the reason why it must not.

use std::path::Path;
use std::sync::Arc;

use tetrarch_kv::{Execution, OpenError, Retention, StateMachine};
use tetrarch_replica::{LiveRecords, Record, Replica};
use tetrarch_storage::{Entry, HighWaterMark, Journal, JournalError, Store};
use tetrarch_types::{decode, limits};

use crate::directory;
use crate::evidence::Dossier;
use crate::{Identity, NodeConfig, NodeError};

/// The longest record is a NEW-VIEW, which travelled in one bulk message.
const MAX_RECORD_BYTES: usize = 2 * limits::MAX_BULK_BYTES;

/// What a node is made of before it runs: everything that can be refused has been.
pub(crate) struct Recovered<M, S: Store> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) replica: Replica,
    pub(crate) journal: Journal<S>,
    pub(crate) live: LiveRecords,
    pub(crate) dossier: Dossier<S>,
}

impl<M: StateMachine, S: Store + Clone> Recovered<M, S> {
    /// Reads everything durable, and refuses what must not be voted with.
    pub(crate) fn open(
        config: &NodeConfig,
        identity: &Identity,
        machine: M,
        store: S,
        mark: Box<dyn HighWaterMark>,
    ) -> Result<Self, NodeError> {
        let path = config.data_dir.as_path();
        let (scope, parameters) = (identity.membership().scope(), identity.membership().parameters());
        let retain = Retention { batches: config.ledger_batches };
        let state = Execution::open(machine, store.clone(), scope.genesis, parameters.checkpoint_interval, retain)
            .map_err(|error| match error {
                OpenError::NotInitialised => directory::without_state(config, &*mark),
                other => directory::open_error(config, other),
            })?;
        let store_error = |error| directory::store_error(path, error);
        let dossier = Dossier::open(store.clone()).map_err(store_error)?;
        let (journal, entries) = Journal::open(store, mark).map_err(|error| journal_error(path, error))?;
        let (live, records) = records(path, entries)?;
        let applied = state.applied().map_err(store_error)?;
        let replica = Replica::recover(identity.replica_config(config), applied, records)
            .map_err(|source| NodeError::Contradiction { path: path.to_owned(), source })?;
        Ok(Self { state: Arc::new(state), replica, journal, live, dossier })
    }
}

fn journal_error(path: &Path, error: JournalError) -> NodeError {
    match error {
        JournalError::Store(error) => directory::store_error(path, error),
        source => NodeError::JournalUnsafe { path: path.to_owned(), source },
    }
}

fn records(path: &Path, entries: Vec<Entry>) -> Result<(LiveRecords, Vec<Record>), NodeError> {
    let mut live = LiveRecords::default();
    let mut records = Vec::with_capacity(entries.len());
    for Entry { index, payload } in entries {
        let record = decode(&payload, MAX_RECORD_BYTES)
            .map_err(|_| NodeError::RecordUnreadable { path: path.to_owned(), index })?;
        live.note(index, &record);
        records.push(record);
    }
    Ok((live, records))
}
