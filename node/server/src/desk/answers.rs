//! Questions that this node answers alone, from what it has executed.

use std::sync::Arc;

use tetrarch_kv::{Execution, QueryError, StateMachine};
use tetrarch_storage::{Store, StoreError};
use tetrarch_transport::Responder;
use tetrarch_types::{Query, Refusal, Response, SeqNum, StateProof};

use super::basis::Ground;
use crate::egress::Egress;
use crate::health::{Halt, Health};
use crate::status::Report;

/// Answers questions; reads the disk, so it belongs on a thread that may wait.
pub(crate) struct Answers<M, S> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) egress: Arc<Egress<M, S>>,
    pub(crate) report: Arc<Report<M, S>>,
    pub(crate) health: Arc<Health>,
}

impl<M: StateMachine, S: Store> Answers<M, S> {
    pub(crate) fn to(&self, query: Query, responder: Responder) {
        self.egress.respond(responder, self.answer(query).unwrap_or_else(Response::Refused));
    }

    /// How far the state here is, for rule X-4.
    pub(crate) fn ground(&self) -> Ground {
        // What was told first: what is executed meanwhile is more.
        let told = self.report.board.readable_from();
        Ground { executed: self.state.executed(), told }
    }

    fn answer(&self, query: Query) -> Result<Response, Refusal> {
        let unanswered = |error| self.unanswered(error);
        match query {
            Query::Read(question) | Query::ReadStale(question) | Query::ReadAfter { question, .. } => {
                self.state.query(&question).map(Response::Answer).map_err(unanswered)
            }
            Query::Nonce(sender) => self.state.highest_nonce(&sender).map(Response::Nonce).map_err(unanswered),
            Query::Reply(id) => {
                self.egress.look_up(&id).map_err(unanswered)?.map(Response::Reply).ok_or(Refusal::Unknown)
            }
            Query::Transaction(id) => {
                let found = self.state.transaction(&id).map_err(|error| self.unreadable(error))?;
                found.map(Response::Transaction).ok_or(Refusal::Unknown)
            }
            Query::Status => Ok(Response::Status(self.report.status())),
            Query::Prove { table, key } => self.prove(table, key),
        }
    }

    /// Rule S-3: from the snapshot of the latest stable checkpoint.
    fn prove(&self, table: String, key: Vec<u8>) -> Result<Response, Refusal> {
        let certificate = self.report.board.stable();
        if certificate.is_genesis() {
            let first = self.report.identity.membership().parameters().checkpoint_interval;
            return Err(Refusal::NoCheckpoint { first: SeqNum::new(first) });
        }
        // A damaged snapshot goes with the next checkpoints: no reason to halt, since neither votes nor reads depend on it.
        let found = self.state.prove(certificate.seq, &table, &key);
        let found = found.map_err(|error| Refusal::NotServing(error.to_string()))?;
        let missing = || Refusal::NotServing("it has no snapshot of the stable checkpoint yet".to_owned());
        let (value, proof) = found.ok_or_else(missing)?;
        Ok(Response::Proof(Box::new(StateProof { certificate, table, key, value, proof })))
    }

    fn unanswered(&self, error: QueryError) -> Refusal {
        match error {
            QueryError::Malformed(problem) => Refusal::Malformed(problem),
            QueryError::TooLarge { actual, limit } => Refusal::TooLarge { actual: actual as u64, limit: limit as u64 },
            QueryError::Damaged => Refusal::NotServing(error.to_string()),
            QueryError::Store(error) => self.unreadable(error),
        }
    }

    /// What cannot be read is not answered; if it is damage, the node stops to repair it.
    fn unreadable(&self, error: StoreError) -> Refusal {
        let refusal = Refusal::NotServing(error.to_string());
        if matches!(error, StoreError::Corrupt { .. }) {
            self.health.halt(Halt::of_store("answering a question", error));
        }
        refusal
    }
}
