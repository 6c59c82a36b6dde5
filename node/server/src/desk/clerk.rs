//! Who answers questions, each in its turn.

use std::sync::Arc;

use tetrarch_kv::{QueryError, StateMachine};
use tetrarch_storage::Store;
use tetrarch_transport::Responder;
use tetrarch_types::{Query, Refusal, Response};

use super::answers::Answers;
use super::basis::Basis;
use super::places::{Place, Places};
use crate::counters::{Count, Counts};
use crate::sharing::Share;

/// A question on its way to an answer.
pub(super) struct Question {
    pub(super) query: Query,
    pub(super) basis: Basis,
    pub(super) responder: Responder,
}

/// Answers questions.
pub(crate) struct Clerk<M, S> {
    pub(crate) answers: Arc<Answers<M, S>>,
    /// Questions under way and in line.
    pub(crate) places: Arc<Places>,
    pub(crate) counts: Counts,
}

impl<M, S> Clone for Clerk<M, S> {
    fn clone(&self) -> Self {
        let Self { answers, places, counts } = self;
        Self { answers: Arc::clone(answers), places: Arc::clone(places), counts: counts.clone() }
    }
}

impl<M: StateMachine + Sync + 'static, S: Store + 'static> Clerk<M, S> {
    /// Answers in turn, and frees the place where the question waited for that.
    pub(super) async fn serve(self, question: Question, waiting: Share) {
        let turn = self.places.turn(&question.query, question.responder.host()).await;
        drop(waiting);
        match (turn, question.basis.stands_on(self.answers.ground())) {
            _ if question.responder.is_closed() => {}
            (Some(place), Some(true)) => self.answer(question, place),
            (_, None) => question.responder.send(Response::Refused(not_agreed())),
            // It is too late, or the state was replaced by an older one meanwhile.
            _ => self.busy(question.responder),
        }
    }

    /// Answers on a thread that may wait for the disk, and gives the place back.
    pub(super) fn answer(self, Question { query, responder, .. }: Question, place: Place) {
        tokio::task::spawn_blocking(move || {
            self.answers.to(query, responder);
            drop(place);
        });
    }

    pub(super) fn busy(&self, responder: Responder) {
        self.counts.add(Count::Busy);
        responder.send(Response::Refused(Refusal::Busy));
    }
}

/// The refusal of what the state here cannot tell, since it is not the agreed one.
pub(super) fn not_agreed() -> Refusal {
    Refusal::NotServing(QueryError::Damaged.to_string())
}
