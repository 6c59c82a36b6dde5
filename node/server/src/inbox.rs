//! What waits for the driver, in lanes: votes before bulk, bulk before clients.
//!
//! ```text
//!   executor ── reports ──┐   never refused, never waited for
//!   verifier ── votes ────┤   the verifier waits while it is full
//!               bulk ─────┤   likewise
//!               requests ─┘   refused while it is full        ──drain──▶ driver
//! ```

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tetrarch_replica::Input;
use tetrarch_types::{Lane, Message, Transaction, Verified};

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
    votes: Waiting,
    bulk: Waiting,
    requests: Waiting,
    closed: bool,
}

/// One lane, bounded by the bytes of what waits in it.
struct Waiting {
    inputs: VecDeque<(Input, usize)>,
    bytes: usize,
    limit: usize,
}

impl Waiting {
    const fn new(limit: usize) -> Self {
        Self { inputs: VecDeque::new(), bytes: 0, limit }
    }

    /// Whether there is room. An empty lane has room for anything, so that nothing is too large to ever pass.
    fn has_room(&self, bytes: usize) -> bool {
        self.inputs.is_empty() || self.bytes.saturating_add(bytes) <= self.limit
    }

    fn push(&mut self, input: Input, bytes: usize) {
        self.bytes += bytes;
        self.inputs.push_back((input, bytes));
    }

    fn pop(&mut self) -> Option<(Input, usize)> {
        let (input, bytes) = self.inputs.pop_front()?;
        self.bytes -= bytes;
        Some((input, bytes))
    }
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

    /// A verified message of a peer. Waits for room.
    pub(crate) fn message(&self, message: Verified<Message>) -> Result<(), NotTaken> {
        let (lane, bytes) = (message.lane(), Weight::of(&message).bytes);
        let mut lanes = self.lock();
        while !lanes.closed && !lanes.of(lane).has_room(bytes) {
            lanes = self.drained.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
        if lanes.closed {
            return Err(NotTaken::Closed);
        }
        lanes.of(lane).push(Input::Message(message), bytes);
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
        if !lanes.requests.has_room(bytes) {
            return Err(NotTaken::Full);
        }
        lanes.requests.push(Input::Request(transaction), bytes);
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
    const fn of(&mut self, lane: Lane) -> &mut Waiting {
        match lane {
            Lane::Votes => &mut self.votes,
            Lane::Bulk => &mut self.bulk,
        }
    }

    fn is_idle(&self) -> bool {
        let waiting = [&self.votes, &self.bulk, &self.requests].iter().any(|lane| !lane.inputs.is_empty());
        !self.closed && self.reports.is_empty() && !waiting
    }

    fn take_turn(&mut self) -> Vec<Input> {
        let mut turn: Vec<Input> = self.reports.drain(..).collect();
        let mut bytes = 0;
        let quotas = [bounds::TURN_VOTES, bounds::TURN_INPUTS, bounds::TURN_INPUTS];
        for (lane, quota) in [&mut self.votes, &mut self.bulk, &mut self.requests].into_iter().zip(quotas) {
            while turn.len() < quota && bytes < bounds::TURN_BYTES {
                let Some((input, cost)) = lane.pop() else { break };
                bytes += cost;
                turn.push(input);
            }
        }
        turn
    }
}

#[cfg(test)]
mod tests;
