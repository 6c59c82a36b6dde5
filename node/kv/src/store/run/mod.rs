//! Running commands.

mod compaction;
mod leases;
mod moves;
mod operations;
mod revision;
mod txn;

use revision::Revision;
use tetrarch_storage::StoreError;
use tetrarch_types::Timestamp;

use super::bounds::{Budget, CLEARED_PER_BATCH};
use super::failure::Failure;
use super::request::{Operation, Request};
use super::rows::meta::Meta;
use super::{Answered, Command, CommandResult, KvError, Response};
use crate::execution::Context;
use crate::tables::Overlay;

/// What time does of itself, before a batch's commands: leases end, and a little of what is compacted is cleared.
pub(super) fn begin_batch(state: &mut Overlay<'_>, now: Timestamp) -> Result<(), StoreError> {
    let before = Meta::read(state)?;
    let mut meta = leases::expire(state, before, now)?;
    compaction::clear(state, &mut meta, CLEARED_PER_BATCH)?;
    if meta != before {
        meta.put(state);
    }
    Ok(())
}

/// Runs a command's requests in order. One that is refused changes nothing.
pub(super) fn run(command: Command, state: &mut Overlay<'_>, context: &Context) -> Result<CommandResult, StoreError> {
    let (mut meta, mut budget) = (Meta::read(state)?, Budget::COMMAND);
    let mut results = Vec::with_capacity(command.requests.len());
    let left = (1..=command.requests.len()).rev();
    for (request, left) in command.requests.into_iter().zip(left) {
        let share = budget.share(left);
        let attempt = state.attempt();
        let mut revision = Revision::begin(state, meta, share, context.time);
        let result = match ask(&mut revision, request, context) {
            Ok(answered) => {
                let (after, rest) = revision.finish()?;
                state.keep(attempt);
                budget.settle(&share, &rest);
                meta = after;
                Ok(answered)
            }
            Err(Failure::Refused(error)) => {
                budget.settle(&share, &revision.budget);
                state.undo(attempt);
                Err(error)
            }
            Err(Failure::Store(error)) => return Err(error),
        };
        results.push(result);
    }
    Ok(CommandResult { revision: meta.revision, results: Ok(results) })
}

/// Refuses a command as a whole.
pub(super) fn refuse(reason: KvError, state: &Overlay<'_>) -> Result<CommandResult, StoreError> {
    Ok(CommandResult { revision: Meta::read(state)?.revision, results: Err(reason) })
}

fn ask(revision: &mut Revision<'_, '_>, request: Request, context: &Context) -> Result<Answered, Failure> {
    request.check()?;
    match request {
        Request::Range(range) => revision.operate(Operation::Range(range)),
        Request::Put(put) => revision.operate(Operation::Put(put)),
        Request::DeleteRange(delete) => revision.operate(Operation::DeleteRange(delete)),
        Request::Txn(txn) => revision.operate(Operation::Txn(txn)),
        Request::Compact { revision: number } => {
            compaction::compact(&mut revision.meta, number)?;
            revision.answer(Response::Compacted)
        }
        Request::LeaseGrant { id, ttl } => revision.grant(id, ttl, context.time),
        Request::LeaseRevoke { id } => revision.revoke(id),
        Request::LeaseKeepAlive { id } => revision.keep_alive(id, context.time),
        Request::MovePrimary { view } => revision.move_primary(view, context),
    }
}
