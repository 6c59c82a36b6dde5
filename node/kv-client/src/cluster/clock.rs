//! Agreed time between two words of it. Pure.

use std::time::Duration;

use tetrarch_types::Timestamp;

/// A difference that may come from hearing of agreed time a while after it was stamped. A larger one is this machine's clock's.
const HEARSAY: Duration = Duration::from_secs(2);

/// Agreed time as well as it can be known from outside.
///
/// Agreed time stands still while nothing is ordered: it is a bound from below, not a clock. So this machine's clock goes on instead, which has to
/// be about right anyway, since transactions name the end of their validity by it. Where agreed time is seen to move, and is far from this
/// machine's clock, that clock is corrected by the difference.
#[derive(Debug, Default)]
pub(super) struct Clock {
    agreed: Option<Timestamp>,
    /// What is to be added to this machine's clock, in microseconds.
    correction: i64,
}

impl Clock {
    /// Takes a word about agreed time that came when this machine's clock showed `wall`.
    pub(super) fn hear(&mut self, agreed: Timestamp, wall: Timestamp) {
        let before = self.agreed.replace(self.agreed.map_or(agreed, |before| before.max(agreed)));
        // The first word may be as old as the last batch, however long ago that was.
        if before.is_some_and(|before| agreed > before) {
            let is_near = agreed.distance(wall) <= HEARSAY;
            self.correction = if is_near { 0 } else { difference(agreed, wall) };
        }
    }

    /// Agreed time, when this machine's clock shows `wall`.
    pub(super) fn now(&self, wall: Timestamp) -> Timestamp {
        let corrected = Timestamp::from_micros(wall.as_micros().saturating_add_signed(self.correction));
        self.agreed.map_or(corrected, |agreed| corrected.max(agreed))
    }
}

fn difference(one: Timestamp, other: Timestamp) -> i64 {
    let (one, other) = (i64::try_from(one.as_micros()), i64::try_from(other.as_micros()));
    one.unwrap_or(i64::MAX).saturating_sub(other.unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn an_idle_cluster_does_not_stop_the_clock() {
        let mut clock = Clock::default();
        assert_eq!(clock.now(at(100)), at(100));
        clock.hear(at(40), at(100));
        clock.hear(at(40), at(101));
        assert_eq!(clock.now(at(102)), at(102), "the last batch may be long ago");
    }

    #[test]
    fn a_clock_that_is_wrong_is_corrected_once_agreed_time_moves() {
        let mut clock = Clock::default();
        clock.hear(at(50), at(100));
        clock.hear(at(60), at(100));
        assert_eq!(clock.now(at(105)), at(65), "it was 40 seconds ahead");
        clock.hear(at(210), at(110));
        assert_eq!(clock.now(at(111)), at(211), "or behind");
        clock.hear(at(301), at(302));
        assert_eq!(clock.now(at(303)), at(303), "a second is the way of the news");
    }

    #[test]
    fn it_is_never_behind_agreed_time() {
        let mut clock = Clock::default();
        clock.hear(at(500), at(100));
        assert_eq!(clock.now(at(100)), at(500));
        clock.hear(at(400), at(100));
        assert_eq!(clock.now(at(100)), at(500));
    }
}
