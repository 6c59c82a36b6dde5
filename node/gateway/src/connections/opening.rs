//! The first bytes of a connection: they come soon, or it is closed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// What HTTP/2 begins with. Up to here the server waits without an end to know which HTTP it is; behind that it has patience of its own.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is awaited of a client until it is known which HTTP it speaks.
pub(super) struct Opening(Option<Awaited>);

struct Awaited {
    late: Pin<Box<Sleep>>,
    /// What HTTP/2 would go on with.
    rest: &'static [u8],
}

impl Opening {
    /// Begins now.
    pub(super) fn within(limit: Duration) -> Self {
        Self(Some(Awaited { late: Box::pin(sleep(limit)), rest: PREFACE }))
    }

    /// Takes note of what the client said.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        let Some(awaited) = &mut self.0 else { return };
        match awaited.rest.strip_prefix(bytes) {
            Some(rest) if !rest.is_empty() => awaited.rest = rest,
            _ => self.0 = None,
        }
    }

    /// Whether the client took too long; if not yet, the task is woken when it does.
    pub(super) fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        self.0.as_mut().is_some_and(|awaited| awaited.late.as_mut().poll(cx) == Poll::Ready(()))
    }
}
