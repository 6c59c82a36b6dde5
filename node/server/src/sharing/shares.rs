//! Places of which each host may take as many as it leaves free.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tetrarch_types::{Host, Taken};
use tokio::sync::Notify;

/// Places that are free again when what they gave out is dropped.
pub(crate) struct Shares {
    taken: Mutex<Taken>,
    emptied: Notify,
}

/// One of the places.
pub(crate) struct Share {
    of: Arc<Shares>,
    host: Host,
}

impl Shares {
    pub(crate) fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::new(Taken::none_of(most)), emptied: Notify::new() })
    }

    /// A place, if this host may have one more.
    pub(crate) fn take(self: &Arc<Self>, host: Host) -> Option<Share> {
        self.lock().take(host, 1).then(|| Share { of: Arc::clone(self), host })
    }

    /// Waits until nobody has a place.
    pub(crate) async fn left(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().total() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Each operation leaves it whole.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.of.lock();
        taken.give_back(self.host, 1);
        if taken.total() == 0 {
            self.of.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::host;
    use super::*;

    #[tokio::test]
    async fn a_place_is_free_when_it_is_dropped() {
        let shares = Shares::of(2);
        let share = shares.take(host(1)).unwrap();
        assert!(shares.take(host(1)).is_none());
        let left = tokio::spawn({
            let shares = Arc::clone(&shares);
            async move { shares.left().await }
        });
        tokio::task::yield_now().await;
        assert!(!left.is_finished());
        drop(share);
        left.await.unwrap();
        assert!(shares.take(host(1)).is_some());
    }
}
