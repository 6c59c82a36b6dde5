//! The store as a state machine.

use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::{SeqNum, Timestamp, View};

use super::record::RECORDS;
use super::rows::events::EVENTS;
use super::rows::history::{self, HISTORY};
use super::rows::leases::{self, ATTACHED, DEADLINES, LEASES};
use super::rows::meta::{META, Meta};
use super::rows::moves;
use super::{Command, KvQuery, run};
use crate::execution::{Context, Index, IndexRow, QueryError, StateMachine};
use crate::tables::Overlay;

/// The key-value store. Commands are encoded [`Command`]s, results encoded [`CommandResult`](super::CommandResult)s; queries are
/// encoded [`KvQuery`]s, answers encoded [`QueryResult`](super::QueryResult)s.
#[derive(Clone, Copy, Debug, Default)]
pub struct KvMachine;

const TABLES: [Table; 6] = [RECORDS, EVENTS, LEASES, ATTACHED, DEADLINES, META];

const INDEXES: [Index; 1] = [Index { over: EVENTS, table: HISTORY }];

impl StateMachine for KvMachine {
    fn begin_batch(&self, time: Timestamp, state: &mut Overlay<'_>) {
        if let Err(error) = run::begin_batch(state, time) {
            state.fail(error);
        }
    }

    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        let result = match Command::decode(command) {
            Ok(command) => run::run(command, state, context),
            Err(reason) => run::refuse(reason, state),
        };
        match result {
            Ok(result) => result.encode(),
            Err(error) => {
                state.fail(error);
                Vec::new()
            }
        }
    }

    fn query(&self, query: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        let query = KvQuery::decode(query).map_err(|error| QueryError::Malformed(error.to_string()))?;
        Ok(query.answer(state)?.encode())
    }

    /// The earliest deadline of a lease (rule E-4).
    fn alarm(&self, state: &dyn Reader) -> Result<Option<Timestamp>, StoreError> {
        leases::first_deadline(state)
    }

    /// The view of the move that this batch accepted, if it did.
    fn leaves(&self, seq: SeqNum, state: &dyn Reader) -> Result<Option<View>, StoreError> {
        Ok(moves::last(state)?.filter(|last| last.seq == seq).map(|last| last.view))
    }

    fn revision(&self, state: &dyn Reader) -> Result<u64, StoreError> {
        Ok(Meta::read(state)?.revision)
    }

    /// Refuses what cannot be read, and what has a request that would be refused for its own sake. A gateway that bundles requests of
    /// many callers checks each before it signs ([`Request::check`](super::Request::check)).
    fn check(&self, command: &[u8]) -> Result<(), String> {
        let command = Command::decode(command).map_err(|error| error.to_string())?;
        match command.requests.iter().find_map(|request| request.check().err()) {
            Some(error) => Err(error.to_string()),
            None => Ok(()),
        }
    }

    fn tables(&self) -> &'static [Table] {
        &TABLES
    }

    fn indexes(&self) -> &'static [Index] {
        &INDEXES
    }

    fn index_rows(&self, over: Table, key: &[u8], value: &[u8]) -> Result<Vec<IndexRow>, StoreError> {
        if over == EVENTS { history::index_rows(key, value) } else { Ok(Vec::new()) }
    }
}
