//! How long a crashed node waits before it is started again.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(200);

/// The longest.
const LONGEST: Duration = Duration::from_secs(10);

/// A process that was up this long has recovered from what made it crash before.
const STEADY: Duration = Duration::from_secs(30);

/// Waits that double from crash to crash.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// The wait after a crash of a process that was up for `uptime`.
    pub(super) fn after(&mut self, uptime: Duration) -> Duration {
        if uptime >= STEADY {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }

    /// Somebody started it by hand: the waits begin anew.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_begin_anew_after_a_steady_run() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = (0..8).map(|_| backoff.after(Duration::from_secs(1)).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(backoff.after(Duration::from_secs(30)), FIRST);
        assert_eq!(backoff.after(Duration::from_secs(29)), FIRST * 2);
        backoff.reset();
        assert_eq!(backoff.after(Duration::ZERO), FIRST);
    }
}
