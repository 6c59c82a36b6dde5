//! A node's clocks: the monotonic one runs at a rate of its own and never jumps; the wall clock is off by a constant as well, and may
//! be set wrong or stand still.

use std::time::Duration;

use tetrarch_types::{Now, Time, Timestamp};

use crate::rng::{Rng, micros};

/// The wall-clock time at which simulations start: some day in 2023.
pub const EPOCH: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// How far a clock's rate may be off, in parts of a million.
pub const MAX_DRIFT: u64 = 2_000;

const MILLION: u128 = 1_000_000;

/// One node's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Local microseconds in a million true ones.
    rate: u64,
    /// What the wall clock shows at the start.
    origin: Timestamp,
    /// Microseconds by which somebody set it ahead.
    ahead: i64,
    /// What it shows while it stands still.
    frozen: Option<Timestamp>,
}

impl Clock {
    /// Clocks at most `skew` from true time.
    pub fn draw(rng: &mut Rng, skew: Duration) -> Self {
        let rate = rng.between(1_000_000 - MAX_DRIFT, 1_000_000 + MAX_DRIFT);
        let early = EPOCH.as_micros() - micros(skew);
        let origin = Timestamp::from_micros(early + rng.between(0, 2 * micros(skew)));
        Self { rate, origin, ahead: 0, frozen: None }
    }

    /// What the clocks show at a true time.
    pub fn read(&self, at: Time) -> Now {
        let local = u128::from(at.as_micros()) * u128::from(self.rate) / MILLION;
        let local = u64::try_from(local).unwrap_or(u64::MAX);
        let running = self.origin.plus(Duration::from_micros(local)).as_micros().saturating_add_signed(self.ahead);
        Now { time: Time::from_micros(local), clock: self.frozen.unwrap_or(Timestamp::from_micros(running)) }
    }

    /// The first true time at which the monotonic clock shows `local`.
    pub fn when(&self, local: Time) -> Time {
        let at = (u128::from(local.as_micros()) * MILLION).div_ceil(u128::from(self.rate));
        Time::from_micros(u64::try_from(at).unwrap_or(u64::MAX))
    }

    /// Somebody sets the wall clock wrong, by so many microseconds more.
    pub const fn set_wrong(&mut self, ahead: i64) {
        self.ahead = self.ahead.saturating_add(ahead);
    }

    /// The wall clock stands still from a true time on.
    pub fn freeze(&mut self, at: Time) {
        self.frozen = Some(self.read(at).clock);
    }

    /// The wall clock goes, and is right again.
    pub const fn set_right(&mut self) {
        (self.ahead, self.frozen) = (0, None);
    }
}
