//! Callers that were answered a moment ago, and are about to ask again.
//!
//! Each command costs every replica a signature and a part of agreement, whatever it holds. What came first of those who come back together
//! would travel alone, and the others behind it. So the first waits for the others, for a moment.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::limits::GATHERING;

/// How many are expected back.
#[derive(Debug)]
pub(crate) struct Callers(Mutex<Away>);

#[derive(Debug)]
struct Away {
    count: usize,
    /// They are expected until then.
    until: Instant,
}

impl Callers {
    /// Nobody is expected.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Away { count: 0, until: Instant::now() }))
    }

    /// So many were answered now.
    pub(crate) fn note_answered(&self, count: usize) {
        let now = Instant::now();
        let mut away = self.lock();
        away.count = if now < away.until { away.count + count } else { count };
        away.until = now + GATHERING;
    }

    /// One asks, and is no longer expected, if it was.
    pub(crate) fn note_asked(&self) {
        let mut away = self.lock();
        away.count = away.count.saturating_sub(1);
    }

    /// Until when so many that ask wait for others: `None` once all but an eighth are there.
    pub(crate) fn wait(&self, asking: usize) -> Option<Instant> {
        let away = self.lock();
        (away.count > asking / 7 && Instant::now() < away.until).then_some(away.until)
    }

    fn lock(&self) -> MutexGuard<'_, Away> {
        // It is whole between any two operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn after_answering(count: usize) -> Callers {
        let callers = Callers::new();
        callers.note_answered(count);
        callers
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_before_anybody_was_answered() {
        assert_eq!(Callers::new().wait(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_alone_does_not_wait() {
        let callers = after_answering(1);
        callers.note_asked();
        assert_eq!(callers.wait(1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_waits_for_the_others_but_not_for_the_last_of_many() {
        let callers = after_answering(9);
        callers.note_answered(7);
        for asked in 1..14 {
            callers.note_asked();
            assert_eq!(callers.wait(asked), Some(Instant::now() + GATHERING), "{asked} of 16");
        }
        callers.note_asked();
        assert_eq!(callers.wait(14), None);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_come_back_is_not_waited_for_long() {
        let callers = after_answering(9);
        callers.note_asked();
        advance(GATHERING / 2).await;
        assert!(callers.wait(1).is_some());
        advance(GATHERING / 2).await;
        assert_eq!(callers.wait(1), None);
        callers.note_answered(1);
        callers.note_asked();
        assert_eq!(callers.wait(1), None, "those from before are forgotten");
    }
}
