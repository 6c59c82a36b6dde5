//! Follows the cluster once, for all watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tetrarch_kv_client::Backend;
use tetrarch_kv_client::watch::{Happened, Watch, newest};
use tetrarch_types::Host;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::histories::Histories;
use super::log::{Found, Log};
use super::reader::Reader;
use crate::hosts::Places;
use crate::limits::{CALL_TIMEOUT, COMPACTION_PATIENCE, HISTORIES, HISTORIES_OF_HOST, HUB_PAUSE, MAX_WATCHES};

/// It begins with the first watch.
#[derive(Debug)]
pub(crate) struct Hub<B> {
    shared: Arc<Shared<B>>,
    following: OnceLock<JoinHandle<()>>,
    /// A place for each watch.
    pub(crate) places: Arc<Places>,
}

/// What readers have of it.
#[derive(Debug)]
pub(super) struct Shared<B> {
    pub(super) backend: Arc<B>,
    log: Mutex<Log>,
    /// The revision that comes next in the log; 0 before it has begun.
    next: watch::Sender<u64>,
    pub(super) histories: Histories,
    /// The highest revision that was compacted by this gateway.
    compacted: AtomicU64,
}

impl<B: Backend> Hub<B> {
    pub(crate) fn new(backend: Arc<B>) -> Self {
        let histories = Histories::new(HISTORIES, HISTORIES_OF_HOST);
        let (log, next, compacted) = (Mutex::new(Log::new(0)), watch::Sender::new(0), AtomicU64::new(0));
        let shared = Shared { backend, log, next, histories, compacted };
        Self { shared: Arc::new(shared), following: OnceLock::new(), places: Places::of(MAX_WATCHES) }
    }

    /// Reads what happens from a revision on, which may be one to come, for somebody of this host. With what was there before, if asked for.
    pub(crate) fn read(&self, from: u64, with_previous: bool, host: Host) -> Reader<B> {
        self.following.get_or_init(|| tokio::spawn(follow(self.shared.clone())));
        Reader::new(self.shared.clone(), from, with_previous, host)
    }

    /// Waits until watches can know of a revision, but not for long: it may be one to come, or the cluster may not tell.
    pub(crate) async fn reach(&self, revision: u64) {
        if self.following.get().is_some() {
            drop(timeout(COMPACTION_PATIENCE, self.shared.wait_for(revision)).await);
        }
    }

    /// A revision was compacted: who begins to read from before it from now on is told so, though the log may have it.
    pub(crate) fn compacted(&self, revision: u64) {
        self.shared.compacted.fetch_max(revision, Ordering::Relaxed);
    }
}

impl<B> Drop for Hub<B> {
    fn drop(&mut self) {
        if let Some(following) = self.following.get() {
            following.abort();
        }
    }
}

impl<B> Shared<B> {
    fn log(&self) -> MutexGuard<'_, Log> {
        // A log is whole whenever it is let go of.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last revision that is believed; none before the hub has begun.
    pub(super) fn believed(&self) -> Option<u64> {
        self.next.borrow().checked_sub(1)
    }

    pub(super) fn compacted(&self) -> u64 {
        self.compacted.load(Ordering::Relaxed)
    }

    pub(super) fn find(&self, revision: u64) -> Found {
        self.log().find(revision)
    }

    pub(super) fn pass_over(&self, from: u64, is_told: impl Fn(&Happened) -> bool) -> u64 {
        self.log().pass_over(from, is_told)
    }

    /// Waits until a revision is in the log, or was.
    pub(super) async fn wait_for(&self, revision: u64) {
        // It fails only without a sender, which is here.
        drop(self.next.subscribe().wait_for(|next| *next > revision).await);
    }

    fn change(&self, change: impl FnOnce(&mut Log)) {
        let mut log = self.log();
        change(&mut log);
        self.next.send_replace(log.next());
    }
}

/// Never ends. What is compacted before it was believed, a watch that needs it finds out for itself.
async fn follow<B: Backend>(shared: Arc<Shared<B>>) {
    loop {
        match timeout(CALL_TIMEOUT, newest(&*shared.backend)).await {
            Ok(Ok(revision)) => {
                shared.change(|log| *log = Log::new(revision + 1));
                let mut watch = Watch::from(shared.backend.clone(), revision + 1, true);
                // Together, because each time all watches are woken.
                while let Ok(some) = watch.some().await {
                    shared.change(|log| some.into_iter().for_each(|happened| log.push(happened)));
                }
                tracing::warn!("what happened was compacted before this gateway could know of it");
            }
            Ok(Err(error)) => tracing::warn!(%error, "the cluster cannot be watched"),
            Err(_) => tracing::warn!("the cluster cannot be watched: no answer in time"),
        }
        sleep(HUB_PAUSE).await;
    }
}
