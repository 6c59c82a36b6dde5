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
use tokio::sync::mpsc::Receiver;

use crate::bounds;
use crate::clock::Clock;
use crate::counters::{Count, Counts};
use crate::egress::Egress;
use crate::health::Health;
use crate::verifier::{Bench, Submission};
pub(crate) use admission::Desk;
pub(crate) use answers::Answers;
pub(crate) use parking::Parking;
use parking::{Until, Waited};
pub(crate) use places::Places;

/// Takes clients' requests one by one. Never waits for anything but the next one.
pub(crate) struct Reception<M, S> {
    pub(crate) bench: Arc<Bench>,
    pub(crate) answers: Arc<Answers<M, S>>,
    pub(crate) health: Arc<Health>,
    pub(crate) counts: Counts,
    /// Questions under way and in line.
    pub(crate) places: Arc<Places>,
    /// Questions that wait for what is executed next.
    pub(crate) parking: Arc<Parking>,
}

impl<M: StateMachine + Sync + 'static, S: Store + 'static> Reception<M, S> {
    /// Serves until the listener is gone.
    pub(crate) async fn run(self, mut incoming: Receiver<Incoming>) {
        while let Some(Incoming { request, responder, .. }) = incoming.recv().await {
            match request {
                Request::Submit(transaction) => self.submit(transaction, responder),
                Request::Query(query) => match self.look_at(&query) {
                    Ok(None) => self.ask(query, responder),
                    Ok(Some(until)) => self.park(until, query, responder),
                    Err(refusal) => responder.send(Response::Refused(refusal)),
                },
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

    /// What a question has to wait for. No long one may: thousands can be waiting.
    fn look_at(&self, query: &Query) -> Result<Option<Until>, Refusal> {
        let (actual, limit) = (query.question_bytes() as u64, limits::MAX_QUESTION_BYTES as u64);
        if actual > limit {
            return Err(Refusal::TooLarge { actual, limit });
        }
        match query {
            Query::ReadAfter { executed, .. } => Ok(Some(Until::Behind(*executed))),
            query => Ok(self.answers.awaited(query)?.map(Until::Executed)),
        }
    }

    /// A question that is answered at once, or in its turn.
    fn ask(&self, query: Query, responder: Responder) {
        let answers = Arc::clone(&self.answers);
        if let Some(place) = self.places.now(&query) {
            return answer(answers, query, responder, place);
        }
        let Some(in_line) = self.places.in_line(&query) else { return self.busy(responder) };
        let places = Arc::clone(&self.places);
        tokio::spawn(async move {
            let turn = places.turn().await;
            if let Some(place) = turn.filter(|_| !responder.is_closed()) {
                answer(answers, query, responder, (place, in_line));
            }
        });
    }

    /// A question that waits. When its time has come it waits for its turn too: many are answered by one batch.
    fn park(&self, until: Until, query: Query, responder: Responder) {
        let Some(parked) = self.parking.place(until) else { return self.busy(responder) };
        let (parking, places) = (Arc::clone(&self.parking), Arc::clone(&self.places));
        let (answers, counts) = (Arc::clone(&self.answers), self.counts.clone());
        tokio::spawn(async move {
            match parking.wait(until).await {
                _ if responder.is_closed() => return,
                Waited::Enough => {}
                Waited::InVain => return busy(&counts, responder),
                Waited::Stopped => return,
            }
            let Some(place) = places.turn().await else { return };
            // A state may have been replaced by an older one since what is posted was executed.
            if !answers.stands_behind(until) {
                return busy(&counts, responder);
            }
            answer(answers, query, responder, (place, parked));
        });
    }

    fn busy(&self, responder: Responder) {
        busy(&self.counts, responder);
    }
}

/// Answers on a thread that may wait for the disk, and gives the places back.
fn answer<M: StateMachine + Sync + 'static, S: Store + 'static>(
    answers: Arc<Answers<M, S>>,
    query: Query,
    responder: Responder,
    places: impl Send + 'static,
) {
    tokio::task::spawn_blocking(move || {
        answers.to(query, responder);
        drop(places);
    });
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
