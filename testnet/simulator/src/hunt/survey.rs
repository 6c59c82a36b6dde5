//! Seeds that passed, all together.

use std::fmt;
use std::time::Duration;

use crate::counters::Counters;
use crate::report::Report;

/// What seeds came to that did not fail: a test may ask whether enough happened in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many.
    pub seeds: u64,
    /// Messages that arrived.
    pub delivered: u64,
    /// Batches that honest replicas executed.
    pub batches: u64,
    /// Commands whose answer a client had.
    pub answered: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// How often each fault and each lie happened.
    pub faults: Counters,
}

impl Survey {
    pub(super) fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.delivered += report.delivered;
        self.batches += report.batches;
        self.answered += report.answered;
        self.simulated += report.simulated;
        for (fault, times) in &report.faults {
            *self.faults.entry(fault).or_default() += times;
        }
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, delivered, batches, answered, simulated, faults } = self;
        writeln!(f, "{seeds} seeds passed: {answered} answers, {batches} batches, {delivered} messages")?;
        write!(f, "in {:.1} s of simulated time; what went wrong in them: {}", simulated.as_secs_f64(), listed(faults))
    }
}

/// Faults and how often each happened, on one line.
pub(super) fn listed(faults: &Counters) -> String {
    let faults: Vec<String> = faults.iter().map(|(fault, times)| format!("{fault} {times}")).collect();
    if faults.is_empty() { "nothing".to_owned() } else { faults.join(", ") }
}
