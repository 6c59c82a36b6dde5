//! `tetrarch sim shrink`: a smaller run that fails alike.

use std::io::IsTerminal;

use clap::{Args, value_parser};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tetrarch_simulator::shrink::{Limits, Shrunk, Step, shrink};
use tetrarch_simulator::{Profile, Report, Seed, Trouble, replay_line};

use super::complaint::Complaint;
use super::fixed::Fixed;
use crate::failure::Failure;
use crate::output::{Output, table};

/// Which seed, and how hard to try.
#[derive(Debug, Args)]
pub(crate) struct ShrinkArguments {
    /// A number, or a commit hash.
    seed: Seed,
    /// Which kinds of trouble are drawn from: calm, crashes, byzantine, mixed.
    #[arg(long, default_value_t = Profile::Mixed)]
    profile: Profile,
    /// Runs at most.
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    runs: u32,
    /// Any complaint counts, not only that of the oracle that complains first.
    #[arg(long)]
    any_oracle: bool,
    #[command(flatten)]
    fixed: Fixed,
}

pub(super) fn run(arguments: &ShrinkArguments, output: &Output) -> Result<(), Failure> {
    let options = arguments.fixed.options(arguments.profile);
    let limits = Limits { runs: arguments.runs, any_oracle: arguments.any_oracle };
    let bar = bar(arguments.runs);
    let shrunk = shrink(arguments.seed, &options, limits, &mut |step| tell(step, &bar, output));
    bar.finish_and_clear();
    let shrunk = shrunk.map_err(|healthy| {
        let line = replay_line(arguments.seed, &options);
        let happened = format!("it does not fail: after {} events every oracle is content", healthy.events);
        Failure::failed(format!("cannot shrink what `{line}` runs"), happened, "give the options that it failed under")
    })?;
    let result = ShrinkResult::of(&shrunk);
    output.data(&result, || result.text())
}

/// On a terminal only.
fn bar(runs: u32) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {pos} of at most {len} runs, {msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(runs.into()), target).with_style(style)
}

/// What is kept is told; what is only tried is shown in the bar.
fn tell(step: &Step<'_>, bar: &ProgressBar, output: &Output) {
    bar.set_position(step.runs.into());
    bar.set_message(format!("{} events", step.smallest.events));
    if step.is_kept {
        let (events, delivered) = (step.smallest.events, step.smallest.delivered);
        bar.suspend(|| output.note(&format!("{}: fails with {events} events, {delivered} messages", step.tried)));
    }
}

#[derive(Serialize)]
struct ShrinkResult {
    seed: u64,
    runs: u32,
    replay: String,
    failure: Option<Complaint>,
    without: Vec<String>,
    before: Size,
    after: Size,
}

/// How large a run is.
#[derive(Serialize)]
struct Size {
    events: u64,
    delivered: u64,
    simulated_ms: u128,
    faulty_ms: u128,
    n: usize,
    clients: usize,
    depth: usize,
    troubles: Vec<String>,
}

impl Size {
    fn of(report: &Report) -> Self {
        let drawn = &report.drawn;
        Self {
            events: report.events,
            delivered: report.delivered,
            simulated_ms: report.simulated.as_millis(),
            faulty_ms: drawn.faulty_for.as_millis(),
            n: drawn.n,
            clients: drawn.clients,
            depth: drawn.depth,
            troubles: Trouble::of(drawn).iter().map(ToString::to_string).collect(),
        }
    }
}

impl ShrinkResult {
    fn of(Shrunk { before, options, after, runs }: &Shrunk) -> Self {
        Self {
            seed: after.seed.get(),
            runs: *runs,
            replay: replay_line(after.seed, options),
            failure: after.failure.as_ref().map(Complaint::of),
            without: options.without.iter().map(ToString::to_string).collect(),
            before: Size::of(before),
            after: Size::of(after),
        }
    }

    fn text(&self) -> String {
        let (before, after) = (&self.before, &self.after);
        let row =
            |name: &str, of: fn(&Size) -> u128| vec![name.to_owned(), of(before).to_string(), of(after).to_string()];
        let rows = [
            row("events", |size| size.events.into()),
            row("messages delivered", |size| size.delivered.into()),
            row("ms simulated", |size| size.simulated_ms),
            row("ms with faults", |size| size.faulty_ms),
            row("replicas", |size| size.n as u128),
            row("clients", |size| size.clients as u128),
            row("at a time", |size| size.depth as u128),
            row("faults, lies, liars", |size| size.troubles.len() as u128),
        ];
        let mut text = table(&["", "BEFORE", "AFTER"], &rows);
        let left = if after.troubles.is_empty() { "none".to_owned() } else { after.troubles.join(", ") };
        text += &format!("\nfaults and lies left: {left}\n");
        if let Some(Complaint { oracle, what, at_micros }) = &self.failure {
            text += &format!("the oracle {oracle:?} says, {at_micros} µs into the run: {what}\n");
        }
        let (runs, replay) = (self.runs, &self.replay);
        text + &format!("after {runs} runs; replay with: {replay}\n")
    }
}
