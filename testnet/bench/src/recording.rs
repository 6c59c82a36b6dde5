//! What is written down of each answer while a load runs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// The width of one step in the course of a run.
pub(crate) const STEP: Duration = Duration::from_millis(100);

/// Steps kept: of a longer run the rest counts, and is not drawn.
const MAX_STEPS: usize = 36_000;

/// The longest latency that is told apart from longer ones, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;

/// Shared by all clients.
#[derive(Debug)]
pub(crate) struct Recording {
    from: Instant,
    until: Instant,
    counted: Mutex<Counted>,
}

/// What is known of what was answered within the span.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    /// Microseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) operations: u64,
    pub(crate) failed: u64,
    pub(crate) first_failure: Option<String>,
    pub(crate) steps: Vec<u64>,
    pub(crate) longest_gap: Duration,
    last: Instant,
}

impl Recording {
    pub(crate) fn new(from: Instant, span: Duration) -> Self {
        let latencies =
            Histogram::new_with_max(LONGEST, 3).unwrap_or_else(|_| unreachable!("three digits are allowed"));
        let counted = Counted {
            latencies,
            operations: 0,
            failed: 0,
            first_failure: None,
            steps: Vec::new(),
            longest_gap: Duration::ZERO,
            last: from,
        };
        Self { from, until: from + span, counted: Mutex::new(counted) }
    }

    pub(crate) const fn until(&self) -> Instant {
        self.until
    }

    /// So many operations that were due at one instant are answered at another, or failed.
    pub(crate) fn answered(&self, due: Instant, now: Instant, count: u64, answer: Result<(), String>) {
        if now < self.from || now >= self.until {
            return;
        }
        let mut counted = self.counted();
        if let Err(failure) = answer {
            counted.failed += count;
            counted.first_failure.get_or_insert(failure);
            return;
        }
        let micros = u64::try_from(now.duration_since(due).as_micros()).unwrap_or(u64::MAX);
        counted.latencies.saturating_record_n(micros, count);
        counted.operations += count;
        counted.longest_gap = counted.longest_gap.max(now.saturating_duration_since(counted.last));
        counted.last = counted.last.max(now);
        let step = (now.duration_since(self.from).as_millis() / STEP.as_millis()) as usize;
        if step < MAX_STEPS {
            if counted.steps.len() <= step {
                counted.steps.resize(step + 1, 0);
            }
            counted.steps[step] += count;
        }
    }

    /// All of it, when the span is over: the time behind the last answer is a gap too.
    pub(crate) fn finish(&self) -> Counted {
        let mut counted = self.counted().clone();
        counted.longest_gap = counted.longest_gap.max(self.until.saturating_duration_since(counted.last));
        let steps = (self.until.duration_since(self.from).as_millis()).div_ceil(STEP.as_millis()) as usize;
        counted.steps.resize(steps.min(MAX_STEPS), 0);
        counted
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_is_answered_in_the_span_counts() {
        let from = Instant::now();
        let recording = Recording::new(from, ms(1_000));
        recording.answered(from - ms(50), from - ms(1), 1, Ok(()));
        recording.answered(from - ms(10), from + ms(40), 1, Ok(()));
        recording.answered(from + ms(100), from + ms(350), 2, Ok(()));
        recording.answered(from + ms(100), from + ms(360), 1, Err("no".to_owned()));
        recording.answered(from + ms(900), from + ms(1_000), 1, Ok(()));
        let counted = recording.finish();
        assert_eq!((counted.operations, counted.failed, counted.first_failure.as_deref()), (3, 1, Some("no")));
        assert_eq!(counted.steps, [1, 0, 0, 2, 0, 0, 0, 0, 0, 0]);
        assert_eq!(counted.longest_gap, ms(650), "nothing came behind the last one");
        assert_eq!(counted.latencies.value_at_quantile(0.1) / 1_000, 50, "from when it was due");
        assert_eq!(counted.latencies.max() / 1_000, 250);
    }

    #[test]
    fn a_gap_lies_between_answers_whoever_gave_them() {
        let from = Instant::now();
        let recording = Recording::new(from, ms(1_000));
        for at in [100, 700, 650, 990] {
            recording.answered(from, from + ms(at), 1, Ok(()));
        }
        assert_eq!(recording.finish().longest_gap, ms(600));
    }
}
