//! The front desk: what clients ask is sorted here. Transactions go to the verifier, questions are answered on the spot.

mod admission;
mod answers;
mod parking;
mod places;

use std::sync::Arc;

use tetrarch_kv::StateMachine;
use tetrarch_storage::Store;
use tetrarch_transport::{Incoming, Responder};
use tetrarch_types::{Query, Refusal, Request, Response, Transaction, limits};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Receiver;

use crate::bounds;
use crate::clock::Clock;
use crate::counters::{Count, Counts};
use crate::egress::Egress;
use crate::health::Health;
use crate::verifier::{Bench, Submission};
pub(crate) use admission::Desk;
pub(crate) use answers::Answers;
use answers::Basis;
pub(crate) use parking::Parking;
use parking::{Until, Waited};
use places::Place;
pub(crate) use places::Places;

/// Takes clients' requests one by one. Never waits for anything but the next one.
pub(crate) struct Reception<M, S> {
    pub(crate) bench: Arc<Bench>,
    pub(crate) counter: Counter<M, S>,
    pub(crate) health: Arc<Health>,
    /// Questions that wait for what is executed next.
    pub(crate) parking: Arc<Parking>,
}

impl<M: StateMachine + Sync + 'static, S: Store + 'static> Reception<M, S> {
    /// Serves until the listener is gone.
    pub(crate) async fn run(self, mut incoming: Receiver<Incoming>) {
        while let Some(Incoming { request, responder, .. }) = incoming.recv().await {
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
        let basis = self.counter.answers.basis(&query);
        let until = match (self.counter.answers.rests_on(basis), basis, &query) {
            (Err(refusal), ..) => return responder.send(Response::Refused(refusal)),
            (Ok(_), _, Query::ReadAfter { executed, .. }) => Some(Until::Behind(*executed)),
            (Ok(false), Basis::Behind(seq), _) => Some(Until::Executed(seq)),
            (Ok(_), ..) => None,
        };
        let question = Question { query, basis, responder };
        match until {
            None => self.line_up(question),
            Some(until) => self.park(until, question),
        }
    }

    fn line_up(&self, question: Question) {
        if let Some(place) = self.counter.places.now(&question.query) {
            return self.counter.clone().answer(question, place);
        }
        let Some(in_line) = self.counter.places.in_line(&question.query) else { return self.busy(question.responder) };
        tokio::spawn(self.counter.clone().serve(question, in_line));
    }

    /// When its time has come it waits for its turn too: many are answered by one batch.
    fn park(&self, until: Until, question: Question) {
        let Some(parked) = self.parking.place(until) else { return self.busy(question.responder) };
        let (parking, counter) = (Arc::clone(&self.parking), self.counter.clone());
        tokio::spawn(async move {
            match parking.wait(until).await {
                Waited::Enough => counter.serve(question, parked).await,
                Waited::InVain => busy(&counter.counts, question.responder),
                Waited::Stopped => {}
            }
        });
    }

    fn busy(&self, responder: Responder) {
        busy(&self.counter.counts, responder);
    }
}

/// A question on its way to an answer.
struct Question {
    query: Query,
    basis: Basis,
    responder: Responder,
}

/// Where questions are answered.
pub(crate) struct Counter<M, S> {
    pub(crate) answers: Arc<Answers<M, S>>,
    /// Questions under way and in line.
    pub(crate) places: Arc<Places>,
    pub(crate) counts: Counts,
}

impl<M, S> Clone for Counter<M, S> {
    fn clone(&self) -> Self {
        let Self { answers, places, counts } = self;
        Self { answers: Arc::clone(answers), places: Arc::clone(places), counts: counts.clone() }
    }
}

impl<M: StateMachine + Sync + 'static, S: Store + 'static> Counter<M, S> {
    /// Answers in turn, and frees the place where the question waited for that.
    async fn serve(self, question: Question, waiting: OwnedSemaphorePermit) {
        let turn = self.places.turn(&question.query).await;
        drop(waiting);
        let Question { basis, responder, .. } = &question;
        match (turn, self.answers.rests_on(*basis)) {
            _ if responder.is_closed() => {}
            (Some(place), Ok(true)) => self.answer(question, place),
            (_, Err(refusal)) => question.responder.send(Response::Refused(refusal)),
            // It is too late, or a state was replaced by an older one meanwhile.
            _ => busy(&self.counts, question.responder),
        }
    }

    /// Answers on a thread that may wait for the disk, and gives the place back.
    fn answer(self, Question { query, responder, .. }: Question, place: Place) {
        tokio::task::spawn_blocking(move || {
            self.answers.to(query, responder);
            drop(place);
        });
    }
}

fn busy(counts: &Counts, responder: Responder) {
    counts.add(Count::Busy);
    responder.send(Response::Refused(Refusal::Busy));
}

/// Forgets, now and then, clients that wait for nothing any more.
pub(crate) async fn sweep<M: StateMachine, S: Store>(egress: Arc<Egress<M, S>>, clock: Clock) {
    loop {
        tokio::time::sleep(bounds::WAITER_SWEEP).await;
        egress.waiters().sweep(clock.time());
    }
}
