//! What peers lack: decided batches from the ledger, parts of a state from a snapshot. One peer at a time, and each of them no more
//! often than it can use.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_kv::{Execution, StateMachine};
use tetrarch_replica::Recipients;
use tetrarch_storage::{Store, StoreError};
use tetrarch_types::{CommittedBatch, Payload, ReplicaId, SeqNum, Supply, Time};

use crate::bounds;
use crate::clock::Clock;
use crate::counters::{Count, Counts};
use crate::health::{Halt, Health};
use crate::outbox::Outbox;

/// What a peer lacks.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Decided batches.
    Batches {
        /// The last one it has.
        after: SeqNum,
    },
    /// Parts of the state at a stable checkpoint.
    State { checkpoint: SeqNum, parts: Vec<Prefix>, rows_up_to: u32 },
}

/// Who lacks what. A peer has one wish for batches, a later one replacing it, and a few for parts of a state.
#[derive(Default)]
pub(crate) struct Wishes {
    list: Mutex<List>,
    arrived: Condvar,
}

#[derive(Default)]
struct List {
    wishes: BTreeMap<ReplicaId, VecDeque<Wish>>,
    /// When a peer may be served again.
    rested: BTreeMap<ReplicaId, Time>,
    closed: bool,
}

impl Wishes {
    /// A peer lacks something. What is beyond the bound is dropped: the peer asks again, here or elsewhere.
    pub(crate) fn add(&self, peer: ReplicaId, wish: Wish) {
        let mut list = self.lock();
        let wishes = list.wishes.entry(peer).or_default();
        if matches!(wish, Wish::Batches { .. }) {
            wishes.retain(|held| !matches!(held, Wish::Batches { .. }));
        }
        if wishes.len() < bounds::PEER_WISHES {
            wishes.push_back(wish);
        }
        self.arrived.notify_one();
    }

    /// A peer was served, with so many bytes: it rests for as long as its share takes (rule L-6).
    fn charge(&self, peer: ReplicaId, began: Time, ended: Time, bytes: u64) {
        let paid = Duration::from_micros(bytes.saturating_mul(1_000_000) / bounds::SUPPLY_BYTES_A_SECOND);
        let rest = paid.max(ended.since(began) * bounds::SUPPLY_REST);
        let mut list = self.lock();
        let rested = list.rested.entry(peer).or_default();
        *rested = (*rested).max(ended.after(rest));
    }

    /// Nobody is served any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Waits for a wish that may be granted now: that of the peer that has waited longest. None when closed.
    fn next(&self, clock: &Clock) -> Option<(ReplicaId, Wish)> {
        let mut list = self.lock();
        loop {
            if list.closed {
                return None;
            }
            let now = clock.time();
            match list.first_due() {
                None => list = self.arrived.wait(list).unwrap_or_else(PoisonError::into_inner),
                Some((peer, due)) if due <= now => return list.grant(peer, now),
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

    fn grant(&mut self, peer: ReplicaId, now: Time) -> Option<(ReplicaId, Wish)> {
        let wishes = self.wishes.get_mut(&peer)?;
        let wish = wishes.pop_front()?;
        if wishes.is_empty() {
            self.wishes.remove(&peer);
        }
        let rest = match wish {
            Wish::Batches { .. } => bounds::SUPPLY_INTERVAL,
            Wish::State { .. } => bounds::STATE_INTERVAL,
        };
        self.rested.insert(peer, now.after(rest));
        Some((peer, wish))
    }
}

/// Grants wishes.
pub(crate) struct Supplier<M, S> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) wishes: Arc<Wishes>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) health: Arc<Health>,
    pub(crate) clock: Clock,
    pub(crate) counts: Counts,
}

impl<M: StateMachine, S: Store> Supplier<M, S> {
    /// Serves until the wishes are closed, or damage is met.
    pub(crate) fn run(self) {
        while let Some((peer, wish)) = self.wishes.next(&self.clock) {
            let began = self.clock.time();
            match self.supply(peer, wish) {
                Ok(supply) => {
                    let bytes = weight(&supply);
                    self.outbox.send(Recipients::One(peer), Payload::Supply(supply));
                    self.wishes.charge(peer, began, self.clock.time(), bytes);
                }
                // Damage is repaired by a new start, wherever it is met. Other than that, reading changes nothing, and votes do not depend on it; a store that
                // cannot be written says so elsewhere.
                Err(error @ StoreError::Corrupt { .. }) => {
                    return self.health.halt(Halt::of_store("reading what a peer lacks", error));
                }
                Err(error) => tracing::error!(%peer, %error, "cannot read what a peer lacks"),
            }
        }
    }

    fn supply(&self, peer: ReplicaId, wish: Wish) -> Result<Supply, StoreError> {
        match wish {
            Wish::Batches { after } => {
                // None is an answer too: that they are not kept here.
                let batches = self.state.committed_after(after)?;
                self.counts.add_many(Count::Supplies, usize::from(!batches.is_empty()));
                Ok(Supply::Committed(batches))
            }
            Wish::State { checkpoint, parts, rows_up_to } => {
                self.counts.add(Count::StateSupplies);
                self.state.hold_snapshot(peer, checkpoint, self.clock.time())?;
                let parts = match self.state.parts(checkpoint, &parts, rows_up_to) {
                    // As good as none: the peer need not wait for what does not come.
                    Err(error @ StoreError::Corrupt { .. }) => {
                        tracing::warn!(%checkpoint, %error, "a snapshot is damaged; peers get no state from it");
                        None
                    }
                    parts => parts?,
                };
                Ok(parts.map_or(Supply::NoState { checkpoint }, |parts| Supply::State { checkpoint, parts }))
            }
        }
    }
}

/// The bytes of a supply, roughly.
fn weight(supply: &Supply) -> u64 {
    let bytes: usize = match supply {
        Supply::Committed(batches) => batches.iter().map(CommittedBatch::cost).sum(),
        Supply::State { parts, .. } => parts.iter().map(|(_, part)| part.cost()).sum(),
        _ => 0,
    };
    bytes as u64
}

#[cfg(test)]
mod tests;
