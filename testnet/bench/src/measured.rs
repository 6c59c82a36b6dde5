//! What a run came to.

use std::time::Duration;

use serde::Serialize;

use crate::recording::{Counted, STEP};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Operations that were answered, a second.
    pub ops_per_s: f64,
    /// How many were.
    pub operations: u64,
    /// How many were refused or not answered.
    pub failed: u64,
    /// What the first of them was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<String>,
    /// How long they took, in milliseconds.
    pub latency_ms: Latency,
    /// The longest time without any answer, in milliseconds.
    pub longest_gap_ms: f64,
    /// How many were answered in each tenth of a second, in order.
    pub answered: Vec<u64>,
    /// For the share of operations in front, the longest latency among them, in milliseconds.
    #[serde(skip)]
    pub distribution: Vec<(f64, f64)>,
}

/// Latencies, in milliseconds: so many in a hundred took no longer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// Half of them.
    pub p50: f64,
    /// 90 in 100.
    pub p90: f64,
    /// 99 in 100.
    pub p99: f64,
    /// 999 in 1000.
    pub p999: f64,
    /// All of them.
    pub max: f64,
}

/// Points of a distribution for each halving of what lies behind.
const POINTS: u32 = 8;

impl Measured {
    /// The width of one step of [`answered`](Self::answered).
    pub const STEP: Duration = STEP;

    pub(crate) fn of(counted: Counted, span: Duration) -> Self {
        let latencies = &counted.latencies;
        let at = |quantile: f64| latencies.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            ops_per_s: counted.operations as f64 / span.as_secs_f64(),
            operations: counted.operations,
            failed: counted.failed,
            latency_ms: Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1.0) },
            longest_gap_ms: counted.longest_gap.as_secs_f64() * 1e3,
            distribution: latencies
                .iter_quantiles(POINTS)
                .map(|step| (step.quantile(), step.value_iterated_to() as f64 / 1e3))
                .collect(),
            first_failure: counted.first_failure,
            answered: counted.steps,
        }
    }
}
