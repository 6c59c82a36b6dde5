//! The two clocks a replica is told about. Neither is read here: both arrive as arguments.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A monotonic instant, in microseconds since some fixed start. It drives timers and is never sent to anyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

impl Time {
    /// The start.
    pub const ZERO: Self = Self(0);

    /// The instant `micros` microseconds after the start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The instant `wait` later, saturating.
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(micros(wait)))
    }

    /// The instant `wait` earlier, or the start.
    pub fn before(self, wait: Duration) -> Self {
        Self(self.0.saturating_sub(micros(wait)))
    }

    /// The time from `earlier` to this instant; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Agreed or wall-clock time: microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Before every real timestamp: the agreed time of an empty chain, and the stamp of a gap filler.
    pub const ZERO: Self = Self(0);

    /// The timestamp `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This timestamp moved `wait` into the future, saturating.
    pub fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(micros(wait)))
    }

    /// This timestamp moved `wait` into the past, or [`ZERO`](Self::ZERO).
    pub fn minus(self, wait: Duration) -> Self {
        Self(self.0.saturating_sub(micros(wait)))
    }

    /// The next representable timestamp.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The distance to another timestamp, whichever is later.
    pub const fn distance(self, other: Self) -> Duration {
        Duration::from_micros(self.0.abs_diff(other.0))
    }
}

/// What a replica is told about time at each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock: timers only.
    pub time: Time,
    /// The wall clock: stamps on the primary's batches, and their check on backups.
    pub clock: Timestamp,
}

fn micros(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)
}
