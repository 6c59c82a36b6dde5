//! Questions that this node answers alone, from what it has executed.

use std::sync::Arc;

use tetrarch_kv::{Execution, QueryError, StateMachine};
use tetrarch_storage::{Store, StoreError};
use tetrarch_transport::Responder;
use tetrarch_types::{Query, Refusal, Response, SeqNum, StateProof};

use crate::egress::Egress;
use crate::health::{Halt, Health};
use crate::status::Report;

/// What an answer has to rest on (rule X-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// What there is: the answer proves itself, or is about this node.
    Anything,
    /// The agreed state, however far that is: the answer says so.
    Agreed,
    /// The agreed state behind this batch. Somebody may have been told what came of it, and whoever asks after that must not be told otherwise.
    Behind(SeqNum),
}

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

    /// What an answer to this question has to rest on, as things are now.
    pub(crate) fn basis(&self, query: &Query) -> Basis {
        let latest = |told: SeqNum| Basis::Behind(told.max(self.state.executed()));
        match query {
            Query::Status | Query::Prove { .. } => Basis::Anything,
            // They tell how far the state is that is read, and it need not be the latest.
            Query::ReadAfter { .. } | Query::ReadStale(_) => Basis::Agreed,
            // Ids and signatures prove what the ledger has, whatever becomes of the state.
            Query::Transaction(_) => self.report.board.readable_from().map_or(Basis::Anything, latest),
            Query::Read(_) | Query::Nonce(_) | Query::Reply(_) => {
                self.report.board.readable_from().map_or(Basis::Agreed, latest)
            }
        }
    }

    /// Whether there is that to rest on.
    ///
    /// # Errors
    /// The refusal, if the state here is not the agreed one.
    pub(crate) fn rests_on(&self, basis: Basis) -> Result<bool, Refusal> {
        let is_agreed = self.report.board.readable_from().is_some();
        match basis {
            Basis::Anything => Ok(true),
            Basis::Agreed | Basis::Behind(_) if !is_agreed => Err(Refusal::NotServing(QueryError::Damaged.to_string())),
            Basis::Agreed => Ok(true),
            Basis::Behind(seq) => Ok(self.state.executed() >= seq),
        }
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
