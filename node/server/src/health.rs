//! Whether the node may still vote.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tetrarch_kv::ExecuteError;
use tetrarch_storage::{JournalError, StoreError};
use tokio::sync::Notify;

use crate::inbox::Inbox;

/// Set once, by whoever first finds that this node must not vote any more; never taken back while the process lives. After an error
/// of the disk it is not known what the disk holds: nothing is retried, and only a restart reads it anew.
pub(crate) struct Health {
    reason: OnceLock<String>,
    /// Whether there is damage that a new start repairs, behind whichever reason.
    is_damaged: AtomicBool,
    /// Told of it.
    damage: Notify,
    inbox: Arc<Inbox>,
}

/// Why the driver or the executor cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Halt {
    /// A sentence.
    pub(crate) reason: String,
    /// Bytes on the disk are not what was written: opening the directory anew finds out which, and repairs them.
    pub(crate) is_damage: bool,
}

impl Halt {
    /// For a reason that no new start mends by itself.
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_damage: false }
    }

    /// Something failed while the node was doing this.
    pub(crate) fn while_doing(doing: &str, error: impl fmt::Display) -> Self {
        Self::because(format!("{doing} failed: {error}"))
    }

    /// The store failed while the node was doing this.
    pub(crate) fn of_store(doing: &str, error: StoreError) -> Self {
        let is_damage = matches!(error, StoreError::Corrupt { .. });
        Self { is_damage, ..Self::while_doing(doing, error) }
    }

    /// The journal failed while the node was doing this.
    pub(crate) fn of_journal(doing: &str, error: JournalError) -> Self {
        match error {
            JournalError::Store(error) => Self::of_store(doing, error),
            other => Self::while_doing(doing, other),
        }
    }

    /// Execution failed.
    pub(crate) fn of_execution(doing: &str, error: ExecuteError) -> Self {
        match error {
            ExecuteError::Store(error) => Self::of_store(doing, error),
            other => Self::while_doing(doing, other),
        }
    }
}

impl Health {
    pub(crate) const fn new(inbox: Arc<Inbox>) -> Self {
        Self { reason: OnceLock::new(), is_damaged: AtomicBool::new(false), damage: Notify::const_new(), inbox }
    }

    /// Stops the driver. The first reason stands; damage is told whenever it is found, since a failed write may have been what it showed by first.
    pub(crate) fn halt(&self, Halt { reason, is_damage }: Halt) {
        let is_first = self.reason.set(reason.clone()).is_ok();
        if is_damage && !self.is_damaged.swap(true, Ordering::Relaxed) {
            tracing::error!(reason, "this node has stopped voting, and starts anew to repair what is damaged");
            self.damage.notify_one();
        } else if is_first {
            tracing::error!(
                reason,
                "this node has stopped voting and goes on answering reads; mend the cause, then stop the process and start it again"
            );
        }
        self.inbox.close();
    }

    /// Waits until the node has halted for damage that a new start repairs.
    pub(crate) async fn damaged(&self) {
        self.damage.notified().await;
    }

    /// Why the node does not vote, if it does not.
    pub(crate) fn halted(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }
}

/// Halts the node when the thread or task that holds it panics: a node with a part missing must not look alive.
pub(crate) struct HaltOnPanic {
    pub(crate) health: Arc<Health>,
    pub(crate) thread: &'static str,
}

impl Drop for HaltOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.health.halt(Halt::because(format!(
                "a defect of the program: the part {} panicked; please report it",
                self.thread
            )));
        }
    }
}
