//! What waits for the driver, in lanes: votes before bulk, bulk before clients.
//!
//! ```text
//!   executor ── reports ──┐   never refused, never waited for
//!   verifier ── votes ────┤   a queue for each peer; the verifier waits while that of the sender is full
//!               bulk ─────┤   likewise
//!               requests ─┘   refused while it is full        ──drain──▶ driver
//! ```
//!
//! Peers take turns, so that what one of them sends waits for the driver, not for all that another one sent before. Each turn takes something
//! from every peer of whom something waits, which makes room: whoever waits to put something in waits for a turn or two.

mod waiting;

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tetrarch_replica::Input;
use tetrarch_types::{Lane, Message, ReplicaId, Transaction, Verified};

use self::waiting::Waiting;
use crate::bounds;
use crate::weight::Weight;

/// Why the inbox took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// No room; the client may try again.
    Full,
    /// The driver has stopped.
    Closed,
}

/// The driver's inbox.
pub(crate) struct Inbox {
    lanes: Mutex<Lanes>,
    arrived: Condvar,
    drained: Condvar,
}

struct Lanes {
    /// At most two for each batch in the executor's hands.
    reports: VecDeque<Input>,
    votes: Waiting<ReplicaId>,
    bulk: Waiting<ReplicaId>,
    /// Whose they are nobody asks here: clients' hosts took their turns before.
    requests: Waiting<()>,
    closed: bool,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let lanes = Lanes {
            reports: VecDeque::new(),
            votes: Waiting::new(bounds::INBOX_VOTES_BYTES),
            bulk: Waiting::new(bounds::INBOX_BULK_BYTES),
            requests: Waiting::new(bounds::INBOX_REQUEST_BYTES),
            closed: false,
        };
        Self { lanes: Mutex::new(lanes), arrived: Condvar::new(), drained: Condvar::new() }
    }

    /// A report of the executor. Never waits: the driver may be waiting for the executor.
    pub(crate) fn report(&self, input: Input) {
        self.lock().reports.push_back(input);
        self.arrived.notify_one();
    }

    /// A verified message that this peer sent. Waits while what this peer sent before leaves no room.
    pub(crate) fn message(&self, from: ReplicaId, message: Verified<Message>) -> Result<(), NotTaken> {
        let (lane, bytes) = (message.lane(), Weight::of(&message).bytes);
        let mut lanes = self.lock();
        while !lanes.closed && !lanes.of(lane).has_room(from, bytes) {
            lanes = self.drained.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
        if lanes.closed {
            return Err(NotTaken::Closed);
        }
        lanes.of(lane).push(from, Input::Message(message), bytes);
        self.arrived.notify_one();
        Ok(())
    }

    /// A verified transaction of a client. Refused when there is no room.
    pub(crate) fn request(&self, transaction: Verified<Transaction>) -> Result<(), NotTaken> {
        let bytes = transaction.cost();
        let mut lanes = self.lock();
        if lanes.closed {
            return Err(NotTaken::Closed);
        }
        if !lanes.requests.has_room((), bytes) {
            return Err(NotTaken::Full);
        }
        lanes.requests.push((), Input::Request(transaction), bytes);
        self.arrived.notify_one();
        Ok(())
    }

    /// Nothing is taken any more, and the driver finds the inbox closed once it has drained it.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
        self.drained.notify_all();
    }

    /// Whether nothing is taken any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes one turn's inputs, waiting up to `patience` for the first (forever without). None when the inbox is closed.
    pub(crate) fn drain(&self, patience: Option<Duration>) -> Option<Vec<Input>> {
        let mut lanes = self.lock();
        if lanes.is_idle() {
            lanes = match patience {
                None => self.arrived.wait_while(lanes, |lanes| lanes.is_idle()).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.arrived.wait_timeout_while(lanes, patience, |lanes| lanes.is_idle());
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        if lanes.closed {
            return None;
        }
        let inputs = lanes.take_turn();
        self.drained.notify_all();
        Some(inputs)
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        // A poisoned lock means a panic between two queue operations, none of which leaves the queues broken.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    const fn of(&mut self, lane: Lane) -> &mut Waiting<ReplicaId> {
        match lane {
            Lane::Votes => &mut self.votes,
            Lane::Bulk => &mut self.bulk,
        }
    }

    fn is_idle(&self) -> bool {
        let waiting = !(self.votes.is_empty() && self.bulk.is_empty() && self.requests.is_empty());
        !self.closed && self.reports.is_empty() && !waiting
    }

    fn take_turn(&mut self) -> Vec<Input> {
        let mut turn = Taking { inputs: self.reports.drain(..).collect(), bytes: 0 };
        turn.take(&mut self.votes, bounds::TURN_VOTES);
        turn.take(&mut self.bulk, bounds::TURN_VOTES + bounds::TURN_BULK);
        turn.take(&mut self.requests, bounds::TURN_INPUTS);
        turn.inputs
    }
}

/// A turn's inputs, so far.
struct Taking {
    inputs: Vec<Input>,
    bytes: usize,
}

impl Taking {
    /// Takes of this lane until there are so many inputs, or enough bytes.
    fn take<K: Copy + Ord>(&mut self, lane: &mut Waiting<K>, most: usize) {
        while self.inputs.len() < most && self.bytes < bounds::TURN_BYTES {
            let Some((input, bytes)) = lane.pop() else { break };
            self.bytes += bytes;
            self.inputs.push(input);
        }
    }
}

#[cfg(test)]
mod tests;
