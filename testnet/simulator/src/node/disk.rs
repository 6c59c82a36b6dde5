//! A node's disk: what outlives its crashes.

use std::sync::Arc;

use tetrarch_storage::{FailureKind, FaultyStore, MemoryMark};

use crate::rng::Rng;

/// A store and the high-water mark beside it.
#[derive(Clone, Default)]
pub struct Disk {
    /// The tables.
    pub store: Arc<FaultyStore>,
    /// The mark; clones share it.
    pub mark: MemoryMark,
}

impl Disk {
    /// The power fails: of what was not synced a random part survives, the oldest first. Returns how many writes were lost.
    pub fn crash(&self, rng: &mut Rng) -> u64 {
        let before = self.store.counters().lost;
        self.store.crash(|unsynced| rng.index(unsynced + 1));
        self.store.counters().lost - before
    }

    /// The next write reaches the disk's cache, but the power fails during its fsync.
    pub fn interrupt_next_sync(&self) {
        self.store.fail_write_at(0, FailureKind::FsyncLost);
    }
}
