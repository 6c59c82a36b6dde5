//! What waits for a worker.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tetrarch_transport::{Received, Responder};
use tetrarch_types::ReplicaId;

use super::backlog::{Backlog, Submission};
use crate::bounds;
use crate::counters::{Count, Counts};
use crate::weight::Weight;

/// One worker's next chunk.
#[derive(Debug)]
pub(super) enum Work {
    /// Messages of one peer, in order. Nobody else gets any of this peer's until it is released.
    Bulk(ReplicaId, Vec<Received>),
    /// Transactions of clients.
    Clients(Vec<Submission>),
}

/// Queues that workers take chunks from.
pub(crate) struct Bench {
    queues: Mutex<Queues>,
    arrived: Condvar,
    counts: Counts,
}

#[derive(Default)]
struct Queues {
    peers: BTreeMap<ReplicaId, PeerQueue>,
    /// Whose turn was last: the next one is somebody else's.
    last: Option<ReplicaId>,
    clients: Backlog<Submission>,
    closed: bool,
}

#[derive(Default)]
struct PeerQueue {
    waiting: VecDeque<(Received, Weight)>,
    bytes: usize,
    /// With a worker now.
    taken: bool,
}

impl Bench {
    pub(crate) fn new(counts: Counts) -> Self {
        Self { queues: Mutex::new(Queues::default()), arrived: Condvar::new(), counts }
    }

    /// Queues a peer's bulk message, or drops it when that peer's queue is full.
    pub(crate) fn put(&self, received: Received) {
        let from = received.from;
        if self.lock().put(received) {
            self.arrived.notify_one();
        } else {
            self.counts.add(Count::BulkDropped);
            tracing::debug!(peer = %from, "bulk message dropped: this peer sends faster than it can be verified");
        }
    }

    /// Queues a client's transaction, or gives back the responder when there is no room.
    ///
    /// # Errors
    /// The responder.
    pub(crate) fn submit(&self, submission: Submission) -> Result<(), Responder> {
        self.lock().submit(submission)?;
        self.arrived.notify_one();
        Ok(())
    }

    /// No more work is given out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Waits for a chunk: bulk or clients first as asked, the other if there is none. None when the bench is closed.
    pub(super) fn next(&self, clients_first: bool) -> Option<Work> {
        let mut queues = self.lock();
        loop {
            if queues.closed {
                return None;
            }
            if let Some(work) = queues.take(clients_first) {
                return Some(work);
            }
            queues = self.arrived.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The worker is done with this peer's messages.
    pub(super) fn release(&self, peer: ReplicaId) {
        if let Some(queue) = self.lock().peers.get_mut(&peer) {
            queue.taken = false;
        }
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        // A poisoned lock means a panic between two queue operations, none of which leaves the queues broken.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn put(&mut self, received: Received) -> bool {
        let weight = Weight::of(&received.message);
        let queue = self.peers.entry(received.from).or_default();
        let full = queue.bytes.saturating_add(weight.bytes) > bounds::PEER_BULK_BYTES;
        if queue.waiting.len() >= bounds::PEER_BULK_MESSAGES || (full && !queue.waiting.is_empty()) {
            return false;
        }
        queue.bytes += weight.bytes;
        queue.waiting.push_back((received, weight));
        true
    }

    fn submit(&mut self, submission: Submission) -> Result<(), Responder> {
        if self.closed {
            return Err(submission.responder);
        }
        let (host, bytes) = (submission.responder.host(), submission.transaction.cost());
        self.clients.put(host, bytes, submission).map_err(|refused| refused.responder)
    }

    fn take(&mut self, clients_first: bool) -> Option<Work> {
        if clients_first {
            self.take_clients().or_else(|| self.take_bulk())
        } else {
            self.take_bulk().or_else(|| self.take_clients())
        }
    }

    fn take_bulk(&mut self) -> Option<Work> {
        let ready = |(_, queue): &(&ReplicaId, &PeerQueue)| !queue.taken && !queue.waiting.is_empty();
        let behind_last = self.peers.iter().find(|entry| Some(*entry.0) > self.last && ready(entry));
        let peer = *behind_last.or_else(|| self.peers.iter().find(ready))?.0;
        self.last = Some(peer);
        Some(Work::Bulk(peer, self.peers.get_mut(&peer)?.take()))
    }

    fn take_clients(&mut self) -> Option<Work> {
        let chunk = self.clients.take(bounds::CLIENT_CHUNK);
        (!chunk.is_empty()).then_some(Work::Clients(chunk))
    }
}

impl PeerQueue {
    /// At least one message, and as many as make one chunk of signatures.
    fn take(&mut self) -> Vec<Received> {
        self.taken = true;
        let mut chunk = Vec::new();
        let mut signatures = 0;
        while let Some((received, weight)) = self.waiting.pop_front() {
            self.bytes -= weight.bytes;
            signatures += weight.signatures;
            chunk.push(received);
            let next = self.waiting.front().map_or(0, |(_, weight)| weight.signatures);
            if signatures + next > bounds::CHUNK_SIGNATURES {
                break;
            }
        }
        chunk
    }
}

#[cfg(test)]
mod tests;
