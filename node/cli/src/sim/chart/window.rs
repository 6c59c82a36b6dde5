//! Which part of a run is shown.

use tetrarch_simulator::Report;
use tetrarch_simulator::recording::{Passage, What};
use tetrarch_types::Time;

use super::choice::Choice;

/// From one moment to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Time,
    pub(super) to: Time,
}

impl Window {
    /// As the caller wants it; where a bound is not given (both are microseconds), so that about `messages` leave inside. With no
    /// bound at all that is the last part before a failure, and the beginning of a run that does not fail.
    pub(super) fn choose(
        report: &Report,
        choice: &Choice,
        bounds: (Option<u64>, Option<u64>),
        messages: usize,
    ) -> Self {
        let end = Time::ZERO.after(report.simulated);
        let mut left: Vec<Time> = passages(report).filter(|it| choice.takes(it)).map(|it| it.left).collect();
        left.sort_unstable();
        let (from, to) = (bounds.0.map(Time::from_micros), bounds.1.map(Time::from_micros));
        let backwards = |to: Time| {
            let before = left.partition_point(|at| *at <= to);
            left.get(before.saturating_sub(messages)).copied().filter(|_| before > messages).unwrap_or(Time::ZERO)
        };
        let forwards = |from: Time| {
            let before = left.partition_point(|at| *at < from);
            left.get(before + messages).copied().unwrap_or(end)
        };
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (from, to),
            (Some(from), None) => (from, forwards(from)),
            (None, Some(to)) => (backwards(to), to),
            (None, None) if report.failure.is_some() => (backwards(end), end),
            (None, None) => (Time::ZERO, forwards(Time::ZERO)),
        };
        let to = to.min(end);
        Self { from: from.min(to), to }
    }

    /// Whether it is shown.
    pub(super) fn has(&self, at: Time) -> bool {
        self.from <= at && at <= self.to
    }
}

/// All messages of a run.
pub(super) fn passages(report: &Report) -> impl Iterator<Item = &Passage> {
    report.trace.iter().filter_map(|entry| match &entry.what {
        What::Message(passage) => Some(passage),
        _ => None,
    })
}

/// Milliseconds since the start.
pub(super) fn millis(at: Time) -> f64 {
    at.as_micros() as f64 / 1_000.0
}
