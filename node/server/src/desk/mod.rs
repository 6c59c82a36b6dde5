//! The front desk: what clients ask is sorted here. Transactions go to the verifier, questions are answered on the spot.

mod admission;
mod answers;
mod basis;
mod clerk;
mod parking;
mod places;

use std::sync::Arc;

use tetrarch_kv::StateMachine;
use tetrarch_storage::Store;
use tetrarch_transport::{Incoming, Responder};
use tetrarch_types::{Query, Refusal, Request, Response, Transaction, limits};
use tokio::sync::mpsc::Receiver;

use crate::bounds;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::health::Health;
use crate::verifier::{Bench, Submission};
pub(crate) use admission::Desk;
pub(crate) use answers::Answers;
use basis::Basis;
pub(crate) use clerk::Clerk;
use clerk::{Question, not_agreed};
pub(crate) use parking::Parking;
use parking::{Until, Waited};
pub(crate) use places::Places;

/// Takes clients' requests one by one. Never waits for anything but the next one.
pub(crate) struct Reception<M, S> {
    pub(crate) bench: Arc<Bench>,
    pub(crate) clerk: Clerk<M, S>,
    pub(crate) health: Arc<Health>,
    /// Questions that wait for what is executed next.
    pub(crate) parking: Arc<Parking>,
}

impl<M: StateMachine + Sync + 'static, S: Store + 'static> Reception<M, S> {
    /// Serves until the listener is gone.
    pub(crate) async fn run(self, mut incoming: Receiver<Incoming>) {
        while let Some(Incoming { request, responder }) = incoming.recv().await {
            match request {
                Request::Submit(transaction) => self.submit(transaction, responder),
                Request::Query(query) => self.ask(query, responder),
            }
        }
    }

    fn submit(&self, transaction: Transaction, responder: Responder) {
        if let Some(reason) = self.health.halted() {
            return responder.send(Response::Refused(Refusal::NotServing(reason.to_owned())));
        }
        if let Err(responder) = self.bench.submit(Submission { transaction, responder }) {
            self.busy(responder);
        }
    }

    /// A question that is answered at once, in its turn, or when its time has come. None may be long: thousands can be waiting.
    fn ask(&self, query: Query, responder: Responder) {
        let (actual, limit) = (query.question_bytes() as u64, limits::MAX_QUESTION_BYTES as u64);
        if actual > limit {
            return responder.send(Response::Refused(Refusal::TooLarge { actual, limit }));
        }
        let ground = self.clerk.answers.ground();
        let basis = Basis::of(&query, ground);
        let until = match (basis.stands_on(ground), basis, &query) {
            (None, ..) => return responder.send(Response::Refused(not_agreed())),
            (Some(_), _, Query::ReadAfter { executed, .. }) => Some(Until::Behind(*executed)),
            (Some(false), Basis::Behind(seq), _) => Some(Until::Executed(seq)),
            (Some(_), ..) => None,
        };
        let question = Question { query, basis, responder };
        match until {
            None => self.line_up(question),
            Some(until) => self.park(until, question),
        }
    }

    fn line_up(&self, question: Question) {
        let host = question.responder.host();
        if let Some(place) = self.clerk.places.now(&question.query, host) {
            return self.clerk.clone().answer(question, place);
        }
        let Some(in_line) = self.clerk.places.in_line(&question.query, host) else {
            return self.busy(question.responder);
        };
        tokio::spawn(self.clerk.clone().serve(question, in_line));
    }

    /// When its time has come it waits for its turn too: many are answered by one batch.
    fn park(&self, until: Until, question: Question) {
        let Some(parked) = self.parking.place(until, question.responder.host()) else {
            return self.busy(question.responder);
        };
        let (parking, clerk) = (Arc::clone(&self.parking), self.clerk.clone());
        tokio::spawn(async move {
            match parking.wait(until).await {
                Waited::Enough => clerk.serve(question, parked).await,
                Waited::InVain => clerk.busy(question.responder),
                Waited::Stopped => {}
            }
        });
    }

    fn busy(&self, responder: Responder) {
        self.clerk.busy(responder);
    }
}

/// Forgets, now and then, clients that wait for nothing any more.
pub(crate) async fn sweep<M: StateMachine, S: Store>(egress: Arc<Egress<M, S>>, clock: Clock) {
    loop {
        tokio::time::sleep(bounds::WAITER_SWEEP).await;
        egress.waiters().sweep(clock.time());
    }
}
