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

use super::bounds::CLEARED_PER_BATCH;
use super::budget::Budget;
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
    let mut running = Running { meta: Meta::read(state)?, budget: Budget::behind(state.work()), state, context };
    let mut results = Vec::with_capacity(command.requests.len());
    let left = (1..=command.requests.len()).rev();
    for (request, left) in command.requests.into_iter().zip(left) {
        results.push(running.next(request, left)?);
    }
    Ok(CommandResult { revision: running.meta.revision, results: Ok(results) })
}

/// A command on its way.
struct Running<'r, 's> {
    state: &'r mut Overlay<'s>,
    context: &'r Context,
    meta: Meta,
    budget: Budget,
}

impl Running<'_, '_> {
    /// The next request, of so many that are left.
    fn next(&mut self, request: Request, left: usize) -> Result<Result<Answered, KvError>, StoreError> {
        if self.budget.is_spent() {
            return Ok(Err(self.budget.refusal()));
        }
        let (share, attempt) = (self.budget.share(left), self.state.attempt());
        let mut revision = Revision::begin(self.state, self.meta, share, self.context.time);
        let (result, rest) = match ask(&mut revision, request, self.context) {
            Ok(answered) => {
                let (after, rest) = revision.finish()?;
                self.meta = after;
                self.state.keep(attempt);
                (Ok(answered), rest)
            }
            Err(Failure::Refused(error)) => {
                let rest = revision.budget;
                self.state.undo(attempt);
                (Err(error), rest)
            }
            Err(Failure::Store(error)) => return Err(error),
        };
        let mut work = self.budget.settle(&share, &rest);
        if matches!(result, Err(KvError::TooMuch | KvError::Crowded)) {
            work += self.budget.refused();
        }
        self.state.count_work(work);
        Ok(result)
    }
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
