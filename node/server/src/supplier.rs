//! Decided batches for peers that lag: one peer at a time, and each of them no more often than it can use.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tetrarch_kv::{Execution, StateMachine};
use tetrarch_replica::Recipients;
use tetrarch_storage::Store;
use tetrarch_types::{Payload, ReplicaId, SeqNum, Supply, Time};

use crate::bounds;
use crate::clock::Clock;
use crate::counters::{Count, Counts};
use crate::outbox::Outbox;

/// Who lacks what. A peer has one wish: a later one replaces it.
#[derive(Default)]
pub(crate) struct Wishes {
    list: Mutex<List>,
    arrived: Condvar,
}

#[derive(Default)]
struct List {
    wishes: BTreeMap<ReplicaId, SeqNum>,
    /// When a peer may be served again.
    rested: BTreeMap<ReplicaId, Time>,
    closed: bool,
}

impl Wishes {
    /// A peer lacks what comes after this number.
    pub(crate) fn add(&self, peer: ReplicaId, after: SeqNum) {
        self.lock().wishes.insert(peer, after);
        self.arrived.notify_one();
    }

    /// Nobody is served any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Waits for a wish that may be granted now: that of the peer that has waited longest. None when closed.
    fn next(&self, clock: &Clock) -> Option<(ReplicaId, SeqNum)> {
        let mut list = self.lock();
        loop {
            if list.closed {
                return None;
            }
            let now = clock.time();
            match list.first_due() {
                None => list = self.arrived.wait(list).unwrap_or_else(PoisonError::into_inner),
                Some((peer, due)) if due <= now => return list.grant(peer, now.after(bounds::SUPPLY_INTERVAL)),
                Some((_, due)) => list = self.sleep(list, due.since(now)),
            }
        }
    }

    fn sleep<'a>(&self, list: MutexGuard<'a, List>, patience: Duration) -> MutexGuard<'a, List> {
        self.arrived.wait_timeout(list, patience).unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        // A poisoned lock means a panic between two operations, none of which leaves the list broken.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn first_due(&self) -> Option<(ReplicaId, Time)> {
        let due = |peer: &ReplicaId| (*peer, self.rested.get(peer).copied().unwrap_or(Time::ZERO));
        self.wishes.keys().map(due).min_by_key(|(_, due)| *due)
    }

    fn grant(&mut self, peer: ReplicaId, rested: Time) -> Option<(ReplicaId, SeqNum)> {
        self.rested.insert(peer, rested);
        Some((peer, self.wishes.remove(&peer)?))
    }
}

/// Grants wishes from the ledger.
pub(crate) struct Supplier<M, S> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) wishes: Arc<Wishes>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clock: Clock,
    pub(crate) counts: Counts,
}

impl<M: StateMachine, S: Store> Supplier<M, S> {
    /// Serves until the wishes are closed.
    pub(crate) fn run(self) {
        while let Some((peer, after)) = self.wishes.next(&self.clock) {
            match self.state.committed_after(after) {
                Ok(batches) if batches.is_empty() => {
                    tracing::debug!(%peer, %after, "a peer lacks batches that are not kept here");
                }
                Ok(batches) => {
                    self.counts.add(Count::Supplies);
                    self.outbox.send(Recipients::One(peer), Payload::Supply(Supply::Committed(batches)));
                }
                // Reading changes nothing, and votes do not depend on it; a store that cannot be written says so elsewhere.
                Err(error) => tracing::error!(%peer, %after, %error, "cannot read decided batches for a peer"),
            }
        }
    }
}
