//! How long clusters took to be well again after the faults.

use std::collections::BTreeMap;

use serde::Serialize;

/// How many runs took how many milliseconds: no more rows than there are milliseconds to heal in, however many seeds.
#[derive(Default)]
pub(super) struct Recoveries(BTreeMap<u128, u64>);

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Recovery {
    pub(super) p50: u128,
    pub(super) p99: u128,
    pub(super) max: u128,
}

impl Recoveries {
    /// One more.
    pub(super) fn add(&mut self, millis: u128) {
        *self.0.entry(millis).or_default() += 1;
    }

    /// None if no run came to be well.
    pub(super) fn summary(&self) -> Option<Recovery> {
        Some(Recovery { p50: self.percentile(50)?, p99: self.percentile(99)?, max: *self.0.keys().next_back()? })
    }

    /// The least that so many of a hundred runs did not exceed.
    fn percentile(&self, percent: u64) -> Option<u128> {
        let runs: u64 = self.0.values().sum();
        let mut needed = (runs * percent).div_ceil(100);
        self.0.iter().find_map(|(millis, count)| {
            needed = needed.saturating_sub(*count);
            (needed == 0).then_some(*millis)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Recoveries, Recovery};

    #[test]
    fn percentiles_are_values_that_came_up() {
        let mut recoveries = Recoveries::default();
        assert_eq!(recoveries.summary(), None);
        recoveries.add(30);
        assert_eq!(recoveries.summary(), Some(Recovery { p50: 30, p99: 30, max: 30 }));
        (1..=99).for_each(|_| recoveries.add(10));
        assert_eq!(recoveries.summary(), Some(Recovery { p50: 10, p99: 10, max: 30 }));
        recoveries.add(20);
        assert_eq!(recoveries.summary(), Some(Recovery { p50: 10, p99: 20, max: 30 }));
    }
}
