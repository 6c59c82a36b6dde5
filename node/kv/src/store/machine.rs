//! The store as a state machine.

use tetrarch_storage::{Reader, StoreError, Table};

use super::changes::{Changes, Failure};
use super::events::{EVENTS, META, Meta};
use super::record::RECORDS;
use super::{Command, CommandResult, KvError, KvQuery, OperationResult};
use crate::execution::{Context, QueryError, StateMachine};
use crate::tables::Overlay;

/// The key-value store. Commands are encoded [`Command`]s, results encoded [`CommandResult`]s; queries are encoded
/// [`KvQuery`]s, answers encoded [`QueryResult`](super::QueryResult)s.
#[derive(Clone, Copy, Debug, Default)]
pub struct KvMachine;

impl KvMachine {
    fn run(command: Command, state: &mut Overlay<'_>) -> Result<CommandResult, StoreError> {
        let mut changes = Changes::begin(state)?;
        let mut results: Vec<Result<OperationResult, KvError>> = Vec::with_capacity(command.operations.len());
        for operation in command.operations {
            results.push(match changes.run(operation) {
                Ok(result) => Ok(result),
                Err(Failure::Refused(reason)) => Err(reason),
                Err(Failure::Store(error)) => return Err(error),
            });
        }
        Ok(CommandResult { revision: changes.finish()?, results: Ok(results) })
    }

    fn refuse(reason: KvError, state: &dyn Reader) -> Result<CommandResult, StoreError> {
        Ok(CommandResult { revision: Meta::read(state)?.revision, results: Err(reason) })
    }
}

impl StateMachine for KvMachine {
    fn execute(&self, _: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        let result = match Command::decode(command) {
            Ok(command) => Self::run(command, state),
            Err(reason) => Self::refuse(reason, state),
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

    fn revision(&self, state: &dyn Reader) -> Result<u64, StoreError> {
        Ok(Meta::read(state)?.revision)
    }

    /// Refuses what cannot be read, and what has an operation that would be refused for its own sake. A gateway that bundles
    /// operations of many callers checks each before it signs ([`Operation::check`](super::Operation::check)).
    fn check(&self, command: &[u8]) -> Result<(), String> {
        let command = Command::decode(command).map_err(|error| error.to_string())?;
        match command.operations.iter().find_map(|operation| operation.check().err()) {
            Some(error) => Err(error.to_string()),
            None => Ok(()),
        }
    }

    fn tables(&self) -> &'static [Table] {
        &[RECORDS, EVENTS, META]
    }
}
