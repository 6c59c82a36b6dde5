//! Clients that wait for a result, by transaction.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tetrarch_transport::Responder;
use tetrarch_types::{Taken, Time, TransactionId};

use crate::bounds;

/// Everyone who waits, bounded in total, for each host, and for each transaction.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Mutex<Waiting>,
}

struct Waiting {
    by_transaction: HashMap<TransactionId, Vec<Waiter>>,
    places: Taken,
}

struct Waiter {
    responder: Responder,
    since: Time,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { by_transaction: HashMap::new(), places: Taken::none_of(bounds::WAITERS) }
    }
}

impl Waiter {
    /// Whether it does; if not, its place is free.
    fn stays(&self, stays: bool, places: &mut Taken) -> bool {
        if !stays {
            places.give_back(self.responder.host(), 1);
        }
        stays
    }
}

impl Waiters {
    /// Adds one, or gives the responder back when there is no room.
    ///
    /// # Errors
    /// The responder.
    pub(crate) fn add(&self, transaction: TransactionId, responder: Responder, now: Time) -> Result<(), Responder> {
        let Waiting { by_transaction, places } = &mut *self.lock();
        if !places.has_room(responder.host(), 1) {
            return Err(responder);
        }
        let list = by_transaction.entry(transaction).or_default();
        list.retain(|waiter| waiter.stays(!waiter.responder.is_closed(), places));
        if list.len() >= bounds::WAITERS_PER_TRANSACTION {
            return Err(responder);
        }
        places.take(responder.host(), 1);
        list.push(Waiter { responder, since: now });
        Ok(())
    }

    /// Takes out all who wait for a transaction.
    pub(crate) fn take(&self, transaction: &TransactionId) -> Vec<Responder> {
        let Waiting { by_transaction, places } = &mut *self.lock();
        let taken = by_transaction.remove(transaction).unwrap_or_default();
        taken.iter().for_each(|waiter| places.give_back(waiter.responder.host(), 1));
        taken.into_iter().map(|waiter| waiter.responder).collect()
    }

    /// Takes out everyone.
    pub(crate) fn take_all(&self) -> Vec<Responder> {
        let all = std::mem::take(&mut *self.lock());
        all.by_transaction.into_values().flatten().map(|waiter| waiter.responder).collect()
    }

    /// Forgets those who are gone, and those who have waited too long.
    pub(crate) fn sweep(&self, now: Time) {
        let Waiting { by_transaction, places } = &mut *self.lock();
        by_transaction.retain(|_, list| {
            list.retain(|waiter| {
                let waits = !waiter.responder.is_closed() && now.since(waiter.since) < bounds::WAITER_LIFE;
                waiter.stays(waits, places)
            });
            !list.is_empty()
        });
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every operation leaves the map and the count whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
