//! Places of which each host may take as many as it leaves free.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tetrarch_transport::Host;
use tokio::sync::Notify;

/// How many of so many places are taken, and by whom.
pub(crate) struct Taken {
    most: usize,
    total: usize,
    by_host: HashMap<Host, usize>,
}

impl Taken {
    /// None of them is taken.
    pub(crate) fn none_of(most: usize) -> Self {
        Self { most, total: 0, by_host: HashMap::new() }
    }

    /// Whether this host may take so many more: afterwards it has no more than were free.
    pub(crate) fn has_room(&self, host: Host, count: usize) -> bool {
        let has = self.by_host.get(&host).copied().unwrap_or(0);
        has.saturating_add(count) <= self.most.saturating_sub(self.total)
    }

    /// Takes so many, if it may.
    pub(crate) fn take(&mut self, host: Host, count: usize) -> bool {
        let may = self.has_room(host, count);
        if may {
            *self.by_host.entry(host).or_default() += count;
            self.total += count;
        }
        may
    }

    /// So many that this host took are free again.
    pub(crate) fn give_back(&mut self, host: Host, count: usize) {
        let Entry::Occupied(mut entry) = self.by_host.entry(host) else { return };
        let given = count.min(*entry.get());
        *entry.get_mut() -= given;
        self.total -= given;
        if *entry.get() == 0 {
            entry.remove();
        }
    }

    /// How many are taken.
    pub(crate) const fn total(&self) -> usize {
        self.total
    }
}

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

    #[test]
    fn a_host_takes_half_and_whoever_comes_finds_some() {
        let mut taken = Taken::none_of(64);
        let mut fill = |host| std::iter::repeat_with(|| taken.take(host, 1)).take_while(|took| *took).count();
        assert_eq!(fill(host(1)), 32);
        assert_eq!(fill(host(2)), 16);
        assert_eq!(fill(host(3)), 8);
        taken.give_back(host(2), 16);
        assert!(!taken.take(host(1), 1), "who has most waits until more is free than it has");
        assert!(taken.take(host(3), 8));
        assert_eq!(taken.total(), 48);
    }

    #[test]
    fn what_weighs_more_takes_more() {
        let mut taken = Taken::none_of(100);
        assert!(taken.take(host(1), 40));
        assert!(!taken.take(host(1), 30));
        assert!(taken.take(host(1), 20));
        assert!(!taken.take(host(2), 41));
        assert!(taken.take(host(2), 40));
        assert!(!taken.take(host(3), 1), "all are taken");
        taken.give_back(host(3), 50);
        assert_eq!(taken.total(), 100, "nobody gives back what it has not got");
    }

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
