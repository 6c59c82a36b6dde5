//! Whether the node may still vote.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::inbox::Inbox;

/// Set once, by whoever first finds that this node must not vote any more; never taken back while the process lives. After an error
/// of the disk it is not known what the disk holds: nothing is retried, and only a restart reads it anew.
pub(crate) struct Health {
    reason: OnceLock<String>,
    inbox: Arc<Inbox>,
}

/// Why the driver or the executor cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Halt(pub(crate) String);

impl Halt {
    /// Something failed while the node was doing this.
    pub(crate) fn while_doing(doing: &str, error: impl fmt::Display) -> Self {
        Self(format!("{doing} failed: {error}"))
    }
}

impl Health {
    pub(crate) const fn new(inbox: Arc<Inbox>) -> Self {
        Self { reason: OnceLock::new(), inbox }
    }

    /// Stops the driver. The first reason stands.
    pub(crate) fn halt(&self, Halt(reason): Halt) {
        if self.reason.set(reason.clone()).is_ok() {
            tracing::error!(
                reason,
                "this node has stopped voting and goes on answering reads; mend the cause, then stop the process and start it again"
            );
        }
        self.inbox.close();
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
            self.health
                .halt(Halt(format!("a defect of the program: the part {} panicked; please report it", self.thread)));
        }
    }
}
