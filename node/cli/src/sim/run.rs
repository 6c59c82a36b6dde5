//! `tetrarch sim run`: one seed.

use clap::Args;
use serde::Serialize;
use tetrarch_simulator::{Counters, Options, Profile, Report, Seed, replay_line};

use super::complaint::Complaint;
use super::fixed::Fixed;
use crate::failure::Failure;
use crate::output::Output;

/// Which seed.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// A number, or a commit hash.
    #[arg(long)]
    seed: Seed,
    /// Which kinds of trouble are drawn from: calm, crashes, byzantine, mixed, overrun.
    #[arg(long, default_value_t = Profile::Mixed)]
    profile: Profile,
    /// Print every event.
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    fixed: Fixed,
}

pub(super) fn run(arguments: &RunArguments, output: &Output) -> Result<(), Failure> {
    let options = Options { trace: arguments.verbose, ..arguments.fixed.options(arguments.profile) };
    let result = RunResult::of(tetrarch_simulator::run(arguments.seed, &options), &options);
    output.data(&result, || result.text())?;
    match &result.failure {
        Some(complaint) => Err(complaint.failure(&result.replay)),
        None => Ok(()),
    }
}

#[derive(Serialize)]
struct RunResult {
    seed: u64,
    drawn: String,
    replay: String,
    trace_hash: String,
    events: u64,
    delivered: u64,
    simulated_ms: u128,
    batches: u64,
    answered: u64,
    highest_view: u64,
    recovery_ms: Option<u128>,
    faults: Counters,
    /// What oracles counted.
    figures: Counters,
    failure: Option<Complaint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<String>,
}

impl RunResult {
    fn of(report: Report, options: &Options) -> Self {
        Self {
            seed: report.seed.get(),
            drawn: report.drawn.to_string(),
            replay: replay_line(report.seed, options),
            trace_hash: hex::encode(report.trace_hash),
            events: report.events,
            delivered: report.delivered,
            simulated_ms: report.simulated.as_millis(),
            batches: report.batches,
            answered: report.answered,
            highest_view: report.views,
            recovery_ms: report.recovery.map(|recovery| recovery.as_millis()),
            faults: report.faults,
            figures: report.figures,
            failure: report.failure.as_ref().map(Complaint::of),
            trace: report.trace.iter().map(ToString::to_string).collect(),
        }
    }

    fn text(&self) -> String {
        let Self { seed, drawn, replay, events, delivered, simulated_ms, batches, answered, highest_view, .. } = self;
        let mut text: String = self.trace.iter().map(|line| format!("{line}\n")).collect();
        text += &format!("seed {seed}\n{drawn}\nreplay with: {replay}\ntrace {}\n", self.trace_hash);
        text += &format!("{events} events, {delivered} messages delivered, {simulated_ms} ms simulated\n");
        text += &format!("{batches} batches executed, {answered} answers, highest view {highest_view}\n");
        let faults: Vec<String> = self.faults.iter().map(|(fault, times)| format!("{fault} {times}")).collect();
        text += &format!("faults: {}\n", if faults.is_empty() { "none".to_owned() } else { faults.join(", ") });
        let figures: Vec<String> = self.figures.iter().map(|(figure, number)| format!("{figure} {number}")).collect();
        text += &format!("oracles: {}\n", figures.join(", "));
        if let Some(recovery) = self.recovery_ms {
            text += &format!("all well {recovery} ms after the faults ended\n");
        }
        text
    }
}
