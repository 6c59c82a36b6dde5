//! The front desk: what clients ask is sorted here. Transactions go to the verifier, questions are answered on the spot.

mod admission;
mod answers;
mod parking;

use std::sync::Arc;

use tetrarch_kv::StateMachine;
use tetrarch_storage::Store;
use tetrarch_transport::{Incoming, Responder};
use tetrarch_types::{Query, Refusal, Request, Response, Transaction};
use tokio::sync::Semaphore;
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

/// Takes clients' requests one by one. Never waits for anything but the next one.
pub(crate) struct Reception<M, S> {
    pub(crate) bench: Arc<Bench>,
    pub(crate) answers: Arc<Answers<M, S>>,
    pub(crate) health: Arc<Health>,
    pub(crate) counts: Counts,
    /// Questions under way.
    pub(crate) queries: Arc<Semaphore>,
    /// Questions for the status under way: a node full of reads still says how it is.
    pub(crate) statuses: Arc<Semaphore>,
    /// Questions that wait for what is executed next.
    pub(crate) parking: Arc<Parking>,
}

impl<M: StateMachine + Sync + 'static, S: Store + 'static> Reception<M, S> {
    /// Serves until the listener is gone.
    pub(crate) async fn run(self, mut incoming: Receiver<Incoming>) {
        while let Some(Incoming { request, responder, .. }) = incoming.recv().await {
            match request {
                Request::Submit(transaction) => self.submit(transaction, responder),
                Request::Query(Query::ReadAfter { executed, question }) => {
                    self.park(Until::Behind(executed), Query::ReadStale(question), responder);
                }
                Request::Query(query) => match self.answers.awaited(&query) {
                    Ok(Some(told)) => self.park(Until::Executed(told), query, responder),
                    Ok(None) => self.ask(query, responder),
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

    fn ask(&self, query: Query, responder: Responder) {
        let places = if query == Query::Status { &self.statuses } else { &self.queries };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else { return self.busy(responder) };
        let answers = Arc::clone(&self.answers);
        tokio::task::spawn_blocking(move || {
            answers.to(query, responder);
            drop(place);
        });
    }

    /// A question that waits. When its time has come it waits for a query's place too: many are answered by one batch.
    fn park(&self, until: Until, query: Query, responder: Responder) {
        let Some(parked) = self.parking.place(until) else { return self.busy(responder) };
        let (parking, queries) = (Arc::clone(&self.parking), Arc::clone(&self.queries));
        let (answers, counts) = (Arc::clone(&self.answers), self.counts.clone());
        tokio::spawn(async move {
            match parking.wait(until).await {
                _ if responder.is_closed() => return,
                Waited::Enough => {}
                Waited::InVain => return busy(&counts, responder),
                Waited::Stopped => return,
            }
            let Ok(place) = queries.acquire_owned().await else { return };
            // A state may have been replaced by an older one since what is posted was executed.
            if !answers.stands_behind(until) {
                return busy(&counts, responder);
            }
            tokio::task::spawn_blocking(move || {
                answers.to(query, responder);
                drop((place, parked));
            });
        });
    }

    fn busy(&self, responder: Responder) {
        busy(&self.counts, responder);
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
