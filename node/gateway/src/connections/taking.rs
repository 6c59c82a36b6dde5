//! Clients that take nothing of what is written to them: not for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// How long a client may take nothing. It costs something only while there is no room for what is written.
pub(super) struct Taking {
    limit: Duration,
    /// When it will have taken nothing for so long; none while it takes.
    late: Option<Pin<Box<Sleep>>>,
}

impl Taking {
    pub(super) const fn within(limit: Duration) -> Self {
        Self { limit, late: None }
    }

    /// What came of writing, which is an error once nothing was taken for too long; if it is not known yet, the task is woken then.
    pub(super) fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.late = None;
            return written;
        }
        let limit = self.limit;
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(limit)));
        late.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}
