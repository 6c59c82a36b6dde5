//! Clients that wait for a result, by transaction.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tetrarch_transport::Responder;
use tetrarch_types::{Time, TransactionId};

use crate::bounds;

/// Everyone who waits, bounded in total and for each transaction.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    by_transaction: HashMap<TransactionId, Vec<Waiter>>,
    total: usize,
}

struct Waiter {
    responder: Responder,
    since: Time,
}

impl Waiters {
    /// Adds one, or gives the responder back when there is no room.
    ///
    /// # Errors
    /// The responder.
    pub(crate) fn add(&self, transaction: TransactionId, responder: Responder, now: Time) -> Result<(), Responder> {
        let mut waiting = self.lock();
        if waiting.total >= bounds::WAITERS {
            return Err(responder);
        }
        let list = waiting.by_transaction.entry(transaction).or_default();
        let before = list.len();
        list.retain(|waiter| !waiter.responder.is_closed());
        let gone = before - list.len();
        let full = list.len() >= bounds::WAITERS_PER_TRANSACTION;
        if full {
            waiting.total -= gone;
            return Err(responder);
        }
        list.push(Waiter { responder, since: now });
        waiting.total = waiting.total + 1 - gone;
        Ok(())
    }

    /// Takes out all who wait for a transaction.
    pub(crate) fn take(&self, transaction: &TransactionId) -> Vec<Responder> {
        let mut waiting = self.lock();
        let taken = waiting.by_transaction.remove(transaction).unwrap_or_default();
        waiting.total -= taken.len();
        taken.into_iter().map(|waiter| waiter.responder).collect()
    }

    /// Takes out everyone.
    pub(crate) fn take_all(&self) -> Vec<Responder> {
        let all = std::mem::take(&mut *self.lock());
        all.by_transaction.into_values().flatten().map(|waiter| waiter.responder).collect()
    }

    /// Forgets those who are gone, and those who have waited too long.
    pub(crate) fn sweep(&self, now: Time) {
        let mut waiting = self.lock();
        waiting.by_transaction.retain(|_, list| {
            list.retain(|waiter| !waiter.responder.is_closed() && now.since(waiter.since) < bounds::WAITER_LIFE);
            !list.is_empty()
        });
        waiting.total = waiting.by_transaction.values().map(Vec::len).sum();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every operation leaves the map whole; `sweep` counts anew what a panic may have left uncounted.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
