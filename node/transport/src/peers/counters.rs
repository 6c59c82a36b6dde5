//! What is counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;

use super::PeerCounters;

/// The counters that all connections share.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    frames_out: AtomicU64,
    bytes_out: AtomicU64,
    frames_in: AtomicU64,
    bytes_in: AtomicU64,
    dropped: AtomicU64,
    rejected: AtomicU64,
    reconnects: AtomicU64,
}

impl Counters {
    pub(crate) fn sent(&self, frames: &[Bytes]) {
        self.frames_out.fetch_add(frames.len() as u64, Relaxed);
        self.bytes_out.fetch_add(frames.iter().map(|frame| frame.len() as u64).sum(), Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.frames_in.fetch_add(1, Relaxed);
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn dropped(&self, frames: u64) {
        self.dropped.fetch_add(frames, Relaxed);
    }

    pub(crate) fn rejected(&self) {
        self.rejected.fetch_add(1, Relaxed);
    }

    pub(crate) fn reconnected(&self) {
        self.reconnects.fetch_add(1, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> PeerCounters {
        PeerCounters {
            frames_out: self.frames_out.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            frames_in: self.frames_in.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
        }
    }
}
