//! Questions that this node answers alone, from what it has executed.

use std::sync::Arc;

use tetrarch_kv::{Execution, QueryError, StateMachine};
use tetrarch_storage::{Store, StoreError};
use tetrarch_types::{Query, Refusal, Response};

use crate::egress::Egress;
use crate::status::Report;

/// Answers questions; reads the disk, so it belongs on a thread that may wait.
pub(crate) struct Answers<M, S> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) egress: Arc<Egress<M, S>>,
    pub(crate) report: Arc<Report<M, S>>,
}

impl<M: StateMachine, S: Store> Answers<M, S> {
    pub(crate) fn to(&self, query: Query) -> Response {
        self.answer(query).unwrap_or_else(Response::Refused)
    }

    fn answer(&self, query: Query) -> Result<Response, Refusal> {
        match query {
            Query::Read(question) => self.state.query(&question).map(Response::Answer).map_err(unanswered),
            Query::Nonce(sender) => self.state.highest_nonce(&sender).map(Response::Nonce).map_err(unreadable),
            Query::Reply(id) => {
                self.egress.look_up(&id).map_err(unreadable)?.map(Response::Reply).ok_or(Refusal::Unknown)
            }
            Query::Transaction(id) => {
                self.state.transaction(&id).map_err(unreadable)?.map(Response::Transaction).ok_or(Refusal::Unknown)
            }
            Query::Status => Ok(Response::Status(self.report.status())),
        }
    }
}

fn unanswered(error: QueryError) -> Refusal {
    match error {
        QueryError::Malformed(problem) => Refusal::Malformed(problem),
        QueryError::TooLarge { actual, limit } => Refusal::TooLarge { actual: actual as u64, limit: limit as u64 },
        QueryError::Store(error) => unreadable(error),
    }
}

fn unreadable(error: StoreError) -> Refusal {
    Refusal::NotServing(error.to_string())
}
