//! What is told of a run.

use serde::Serialize;
use tetrarch_bench::{Latency, Limit, Measured, Operation};

use super::BenchArguments;
use super::fault::Done;

/// What is told of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    operation: Operation,
    clients: u16,
    /// Operations a second that were due; null where each client went on when it was answered.
    rate: Option<u32>,
    seconds: f64,
    size: u32,
    keys: u64,
    bundle: u16,
    distinct_keys: bool,
    endpoint: Option<String>,
    #[serde(flatten)]
    pub(super) measured: Measured,
    /// What this machine's signatures alone would allow; null where operations are not signed one by one.
    signature_limit_ops_per_s: Option<f64>,
    /// The share of it that was reached.
    of_signature_limit: Option<f64>,
    cores: Option<usize>,
    faults: Vec<Done>,
}

impl Report {
    pub(super) fn of(arguments: &BenchArguments, measured: Measured, limit: Option<Limit>, faults: Vec<Done>) -> Self {
        let allowed = limit.map(|limit| limit.transactions_per_s * f64::from(arguments.bundle));
        Self {
            operation: arguments.operation,
            clients: arguments.clients,
            rate: arguments.rate,
            seconds: arguments.duration.as_secs_f64(),
            size: arguments.size,
            keys: arguments.keys,
            bundle: arguments.bundle,
            distinct_keys: arguments.distinct_keys,
            endpoint: arguments.endpoint.clone(),
            of_signature_limit: allowed.map(|allowed| measured.ops_per_s / allowed),
            signature_limit_ops_per_s: allowed,
            cores: limit.map(|limit| limit.cores),
            measured,
            faults,
        }
    }

    /// The load in words.
    pub(super) fn title(&self) -> String {
        let name = self.operation.name();
        let pace = self.rate.map_or_else(String::new, |rate| format!(", {rate}/s due"));
        let bundle = if self.bundle > 1 { format!(", {} under a signature", self.bundle) } else { String::new() };
        let keys = if self.distinct_keys { ", each its own key" } else { "" };
        let (clients, size, seconds) = (self.clients, self.size, self.seconds);
        format!("{name}, {clients} clients{keys}, {size} bytes{bundle}{pace}, {seconds} s")
    }

    /// What stands in the plot beside the line.
    pub(super) fn marks(&self) -> Vec<(f64, String)> {
        self.faults.iter().map(|done| (done.at_s.as_secs_f64(), done.fault.clone())).collect()
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let Measured { ops_per_s, operations, failed, latency_ms, longest_gap_ms, .. } = &self.measured;
        let Latency { p50, p90, p99, p999, max } = latency_ms;
        let mut lines = vec![
            self.title(),
            format!("answered         {ops_per_s:.0} a second, {operations} in all; {failed} failed"),
            format!("latency, ms      p50 {p50:.2}   p90 {p90:.2}   p99 {p99:.2}   p99.9 {p999:.2}   max {max:.2}"),
            format!("longest gap      {longest_gap_ms:.0} ms without any answer"),
        ];
        if let (Some(limit), Some(share), Some(cores)) =
            (self.signature_limit_ops_per_s, self.of_signature_limit, self.cores)
        {
            lines.push(format!(
                "signature limit  {limit:.0} a second, if {cores} cores did nothing but sign and verify: {share:.2} of it is reached"
            ));
        }
        lines.extend(self.faults.iter().map(|done| {
            format!("fault            {} at {:.2} s: replica {}", done.fault, done.at_s.as_secs_f64(), done.replica)
        }));
        lines.extend(self.measured.first_failure.iter().map(|said| format!("first failure    {said}")));
        lines.join("\n")
    }
}
