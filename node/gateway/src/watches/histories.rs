//! Places for those who read what lies further back than the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::limits::HISTORY_TURN;

/// So many places, for which watches wait in the order in which they came.
#[derive(Debug)]
pub(super) struct Histories {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// One of them. Whoever has it keeps it as long as nobody else wants it, and for a turn otherwise.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    since: Instant,
    waiting: Arc<AtomicUsize>,
}

/// One that waits, until this is dropped.
struct Waits<'w>(&'w AtomicUsize);

impl Histories {
    pub(super) fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: Arc::default() }
    }

    /// Waits for a place.
    pub(super) async fn place(&self) -> Option<Place> {
        let waits = Waits::among(&self.waiting);
        let permit = self.places.clone().acquire_owned().await.ok()?;
        drop(waits);
        Some(Place { _permit: permit, since: Instant::now(), waiting: self.waiting.clone() })
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
