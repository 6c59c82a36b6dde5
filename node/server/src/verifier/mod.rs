//! Signatures, checked in batches and off the core.
//!
//! ```text
//!   transport ── votes ──▶ a thread of their own ───────────────────────────────┐
//!             ── bulk ───▶ a queue for each peer ──┐                            ├──▶ inbox
//!   front desk ──────────▶ unverified transactions ┴──▶ bench ──▶ n workers ────┤
//!                                                                               └──▶ admission
//! ```
//!
//! Votes never wait behind anything else, and those of one peer not behind all that another one sent; COMMITs to what is decided already are let go of unread. A peer or a client's host whose signatures failed lately
//! has batches of its own. Clients' hosts take turns. A peer's bulk messages are with one worker at a time, which keeps their order and lets a peer that sends expensive ones slow down nobody but itself. Workers
//! alternate between bulk and clients when both wait.

mod backlog;
mod bench;
mod distrust;
mod gate;
mod votes;

use std::sync::Arc;
use std::thread::JoinHandle;

use tetrarch_transport::{Received, Responder};
use tetrarch_types::{Transaction, Verified};
use tokio::sync::mpsc::Receiver;

pub(crate) use backlog::Submission;
pub(crate) use bench::Bench;
use bench::Work;
use distrust::Distrust;
pub(crate) use gate::Gate;
pub(crate) use votes::Votes;

use crate::clock::Clock;
use crate::health::Health;
use crate::{NodeError, threads};

/// Who takes verified transactions.
pub(crate) trait Admission: Send + Sync {
    /// A transaction whose signature holds.
    fn admit(&self, transaction: Verified<Transaction>, responder: Responder);
}

/// Starts the thread for votes and the workers. They end when the votes' channel does, and when the bench closes.
pub(crate) fn start(
    votes: Votes,
    bench: &Arc<Bench>,
    gate: &Arc<Gate>,
    admission: &Arc<dyn Admission>,
    health: &Arc<Health>,
    clock: Clock,
    workers: usize,
) -> Result<Vec<JoinHandle<()>>, NodeError> {
    let own = Arc::clone(gate);
    let mut started = vec![threads::start("votes", health, move || check_votes(votes, &own, clock))?];
    for _ in 0..workers {
        let (bench, gate, admission) = (Arc::clone(bench), Arc::clone(gate), Arc::clone(admission));
        started.push(threads::start("verifier", health, move || work(&bench, &gate, &*admission, clock))?);
    }
    Ok(started)
}

/// Moves bulk messages from the transport's channel to their senders' queues.
pub(crate) async fn sort_bulk(mut bulk: Receiver<Received>, bench: Arc<Bench>) {
    while let Some(received) = bulk.recv().await {
        bench.put(received);
    }
}

fn check_votes(mut votes: Votes, gate: &Gate, clock: Clock) {
    let mut distrust = Distrust::default();
    while let Some(chunk) = votes.next() {
        for batch in distrust.part(chunk, |received| received.from, clock.time()) {
            let forgers = gate.pass(batch);
            forgers.into_iter().for_each(|peer| distrust.note(peer, clock.time()));
        }
    }
}

fn work(bench: &Bench, gate: &Gate, admission: &dyn Admission, clock: Clock) {
    let (mut clients_turn, mut distrust) = (false, Distrust::default());
    while let Some(work) = bench.next(clients_turn) {
        clients_turn = !clients_turn;
        match work {
            Work::Bulk(peer, messages) => {
                gate.pass(messages);
                bench.release(peer);
            }
            Work::Clients(submissions) => {
                for batch in distrust.part(submissions, |submission| submission.responder.host(), clock.time()) {
                    let forgers = gate.pass_clients(batch, admission);
                    forgers.into_iter().for_each(|host| distrust.note(host, clock.time()));
                }
            }
        }
    }
}
