//! The one place that reads clocks. Everything else is told the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tetrarch_types::{Now, Time, Timestamp};

/// The two clocks of one node: a monotonic one that started with it, and the machine's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts the monotonic clock.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Both clocks.
    pub(crate) fn now(&self) -> Now {
        Now { time: self.time(), clock: Self::wall() }
    }

    /// The monotonic clock.
    pub(crate) fn time(&self) -> Time {
        Time::from_micros(micros(self.started.elapsed()))
    }

    /// The machine's clock. One set before 1970 reads as 1970: every stamp is then off this clock, and the replica says so.
    pub(crate) fn wall() -> Timestamp {
        Timestamp::from_micros(SystemTime::now().duration_since(UNIX_EPOCH).map(micros).unwrap_or_default())
    }

    /// A number that differs from those of all earlier starts: nobody has to find it hard to guess (rule A-1).
    pub(crate) fn start_number() -> u64 {
        Self::wall().as_micros() ^ u64::from(std::process::id()).rotate_left(48)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
