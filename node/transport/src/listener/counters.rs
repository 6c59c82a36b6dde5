//! What is counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::ListenerCounters;

/// The counters that all connections share.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    retried: AtomicU64,
    requests: AtomicU64,
    responses: AtomicU64,
    malformed: AtomicU64,
    slow: AtomicU64,
}

impl Counters {
    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retried.fetch_add(1, Relaxed);
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn responses(&self, count: usize) {
        self.responses.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn malformed(&self) {
        self.malformed.fetch_add(1, Relaxed);
    }

    pub(crate) fn slow(&self) {
        self.slow.fetch_add(1, Relaxed);
    }

    pub(crate) fn snapshot(&self, open: usize) -> ListenerCounters {
        ListenerCounters {
            open: open as u64,
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            retried: self.retried.load(Relaxed),
            requests: self.requests.load(Relaxed),
            responses: self.responses.load(Relaxed),
            malformed: self.malformed.load(Relaxed),
            slow: self.slow.load(Relaxed),
        }
    }
}
