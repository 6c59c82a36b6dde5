//! Places for those who read what lies further back than the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tetrarch_types::Host;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::limits::HISTORY_TURN;

/// So many places, for which watches wait in the order in which they came: first for one of those that their host may have, so that nobody waits behind all
/// that another host's callers look for.
#[derive(Debug)]
pub(super) struct Histories {
    places: Arc<Semaphore>,
    of_one: usize,
    /// Of hosts whose watches have a place, or wait for one.
    of_hosts: Mutex<HashMap<Host, Weak<Semaphore>>>,
    waiting: Arc<AtomicUsize>,
}

/// One of them. Whoever has it keeps it as long as nobody else wants it, and for a turn otherwise.
#[derive(Debug)]
pub(super) struct Place {
    _permits: [OwnedSemaphorePermit; 2],
    since: Instant,
    waiting: Arc<AtomicUsize>,
}

/// One that waits, until this is dropped.
struct Waits<'w>(&'w AtomicUsize);

impl Histories {
    /// So many, and of those so many for one host.
    pub(super) fn new(places: usize, of_one: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), of_one, of_hosts: Mutex::default(), waiting: Arc::default() }
    }

    /// Waits for a place.
    pub(super) async fn place(&self, host: Host) -> Option<Place> {
        let waits = Waits::among(&self.waiting);
        let of_host = self.of_host(host).acquire_owned().await.ok()?;
        let permit = self.places.clone().acquire_owned().await.ok()?;
        drop(waits);
        Some(Place { _permits: [of_host, permit], since: Instant::now(), waiting: self.waiting.clone() })
    }

    fn of_host(&self, host: Host) -> Arc<Semaphore> {
        // It is whole between any two operations.
        let mut of_hosts = self.of_hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = of_hosts.get(&host).and_then(Weak::upgrade) {
            return known;
        }
        of_hosts.retain(|_, known| known.strong_count() > 0);
        let new = Arc::new(Semaphore::new(self.of_one));
        of_hosts.insert(host, Arc::downgrade(&new));
        new
    }
}

impl Place {
    /// Whether it is somebody else's turn.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0 && self.since.elapsed() >= HISTORY_TURN
    }
}

impl<'w> Waits<'w> {
    fn among(waiting: &'w AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_hosts_many_leave_room_to_another() {
        let [one, other] = [1, 2].map(|number| Host::from(IpAddr::from([10, 0, 0, number])));
        let histories = Arc::new(Histories::new(5, 3));
        let mut had = Vec::new();
        for _ in 0..3 {
            had.push(histories.place(one).await.unwrap());
        }
        for _ in 0..100 {
            let histories = histories.clone();
            tokio::spawn(async move { histories.place(one).await });
        }
        tokio::task::yield_now().await;
        let quick = timeout(Duration::from_secs(1), histories.place(other)).await;
        assert!(quick.is_ok() && had.iter().all(|place| !place.is_over()));
        tokio::time::advance(HISTORY_TURN).await;
        assert!(had.iter().all(Place::is_over), "those of the same host wait");
    }
}
