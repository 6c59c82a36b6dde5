//! `tetrarch sim`: the simulator at the command line, one seed or many.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tetrarch_simulator::{Counters, Options, Profile, Report, Seed, replay_line};

use crate::failure::Failure;
use crate::output::Output;

/// What can be simulated.
#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Run one seed, and say what it drew and what came of it.
    Run(RunArguments),
    /// Run many seeds on all cores. Fails if one of them does.
    Soak(SoakArguments),
}

/// Which seed.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// A number, or a commit hash.
    #[arg(long)]
    seed: Seed,
    #[command(flatten)]
    fixed: Fixed,
    /// Print every event.
    #[arg(short, long)]
    verbose: bool,
}

/// Which seeds.
#[derive(Debug, Args)]
pub(crate) struct SoakArguments {
    /// How many.
    #[arg(long, value_name = "N")]
    seeds: u64,
    /// The first.
    #[arg(long, default_value = "0", value_name = "SEED")]
    from: Seed,
    /// How many run at once; one for each core if it is not said.
    #[arg(long, value_name = "J")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    fixed: Fixed,
}

/// What is fixed instead of drawn.
#[derive(Debug, Args)]
struct Fixed {
    /// Replicas: 4 or more.
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(4..=100))]
    n: Option<u16>,
    /// Which kinds of trouble are drawn from: calm, crashes, byzantine, mixed.
    #[arg(long, default_value_t = Profile::Mixed)]
    profile: Profile,
    /// How long faults last, in milliseconds of simulated time.
    #[arg(long, value_name = "MS")]
    ticks: Option<u64>,
}

impl Fixed {
    fn options(&self, trace: bool) -> Options {
        Options {
            profile: self.profile,
            n: self.n.map(usize::from),
            faulty_for: self.ticks.map(Duration::from_millis),
            trace,
            ..Options::default()
        }
    }
}

/// Simulates.
pub(crate) fn run(command: &SimCommand, output: &Output) -> Result<(), Failure> {
    match command {
        SimCommand::Run(arguments) => run_one(arguments, output),
        SimCommand::Soak(arguments) => soak(arguments, output),
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
    figures: Counters,
    failure: Option<FailureShown>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<String>,
}

#[derive(Clone, Serialize)]
struct FailureShown {
    oracle: &'static str,
    what: String,
    at_micros: u64,
}

fn run_one(arguments: &RunArguments, output: &Output) -> Result<(), Failure> {
    let options = arguments.fixed.options(arguments.verbose);
    let result = RunResult::of(tetrarch_simulator::run(arguments.seed, &options), &options);
    output.data(&result, || result.text())?;
    match result.failure {
        Some(failure) => Err(failed(&failure, &result.replay)),
        None => Ok(()),
    }
}

fn failed(failure: &FailureShown, replay: &str) -> Failure {
    let FailureShown { oracle, what, at_micros } = failure;
    let happened = format!("the oracle {oracle:?} says, {at_micros} µs into the run: {what}");
    Failure::failed("simulating", happened, format!("replay it with `{replay} -v`"))
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
            failure: report.failure.map(FailureShown::of),
            trace: report.trace,
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

impl FailureShown {
    fn of(failure: tetrarch_simulator::Failure) -> Self {
        Self { oracle: failure.oracle, what: failure.what, at_micros: failure.at.as_micros() }
    }
}

#[derive(Serialize)]
struct FailedSeed {
    seed: u64,
    #[serde(flatten)]
    failure: FailureShown,
    replay: String,
}

/// What many seeds came to.
#[derive(Default, Serialize)]
struct SoakResult {
    seeds: u64,
    /// The seeds.
    failed: Vec<u64>,
    /// The same, with what went wrong.
    failures: Vec<FailedSeed>,
    events: u64,
    delivered: u64,
    events_per_s: u64,
    delivered_per_s: u64,
    simulated_hours: f64,
    recovery_ms: Option<Recovery>,
    faults: BTreeMap<&'static str, u64>,
    /// What oracles counted.
    figures: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    recoveries: Vec<u128>,
}

#[derive(Clone, Copy, Serialize)]
struct Recovery {
    p50: u128,
    p99: u128,
    max: u128,
}

impl SoakResult {
    fn add(&mut self, report: Report, options: &Options) {
        self.seeds += 1;
        self.events += report.events;
        self.delivered += report.delivered;
        self.simulated_hours += report.simulated.as_secs_f64() / 3_600.0;
        self.recoveries.extend(report.recovery.map(|recovery| recovery.as_millis()));
        for (fault, times) in report.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        for (figure, number) in report.figures {
            *self.figures.entry(figure).or_default() += number;
        }
        if let Some(failure) = report.failure {
            let replay = replay_line(report.seed, options);
            self.failed.push(report.seed.get());
            self.failures.push(FailedSeed { seed: report.seed.get(), failure: FailureShown::of(failure), replay });
        }
    }

    fn finish(mut self, took: Duration) -> Self {
        let seconds = took.as_secs_f64().max(0.001);
        self.events_per_s = (self.events as f64 / seconds) as u64;
        self.delivered_per_s = (self.delivered as f64 / seconds) as u64;
        self.failed.sort_unstable();
        self.failures.sort_by_key(|failed| failed.seed);
        self.recoveries.sort_unstable();
        let at = |percent: usize| self.recoveries.get(self.recoveries.len() * percent / 100).copied();
        if let (Some(p50), Some(p99), Some(max)) = (at(50), at(99), self.recoveries.last().copied()) {
            self.recovery_ms = Some(Recovery { p50, p99, max });
        }
        self
    }

    fn text(&self) -> String {
        let Self { seeds, events_per_s, delivered_per_s, simulated_hours, .. } = self;
        let mut text = format!("{seeds} seeds, {} failed\n", self.failed.len());
        text += &format!("{events_per_s} events and {delivered_per_s} delivered messages a second, ");
        text += &format!("{simulated_hours:.2} hours simulated\n");
        if let Some(Recovery { p50, p99, max }) = self.recovery_ms {
            text += &format!("recovery after the faults: p50 {p50} ms, p99 {p99} ms, max {max} ms\n");
        }
        let figures: Vec<String> = self.figures.iter().map(|(figure, number)| format!("{figure} {number}")).collect();
        text += &format!("oracles: {}\n", figures.join(", "));
        let rows: Vec<Vec<String>> =
            self.faults.iter().map(|(fault, times)| vec![(*fault).to_owned(), times.to_string()]).collect();
        text + &crate::output::table(&["FAULT", "TIMES"], &rows)
    }
}

fn soak(arguments: &SoakArguments, output: &Output) -> Result<(), Failure> {
    let options = arguments.fixed.options(false);
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = arguments.jobs.map_or(cores, NonZeroUsize::get);
    let (next, started) = (AtomicU64::new(0), Instant::now());
    let (results, reports) = channel();
    let result = thread::scope(|scope| {
        for _ in 0..jobs {
            let (results, next, options) = (results.clone(), &next, &options);
            scope.spawn(move || work(arguments, next, options, &results));
        }
        drop(results);
        gather(&reports, arguments.seeds, &options, output)
    });
    let result = result.finish(started.elapsed());
    output.data(&result, || result.text())?;
    match result.failures.first() {
        Some(first) => Err(failed(&first.failure, &first.replay)),
        None => Ok(()),
    }
}

/// One thread: takes seeds until none is left.
fn work(arguments: &SoakArguments, next: &AtomicU64, options: &Options, results: &Sender<Report>) {
    loop {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        if nth >= arguments.seeds {
            return;
        }
        let seed = Seed::new(arguments.from.get().wrapping_add(nth));
        // Nobody listens only when the command is over.
        let _ = results.send(tetrarch_simulator::run(seed, options));
    }
}

fn gather(reports: &Receiver<Report>, seeds: u64, options: &Options, output: &Output) -> SoakResult {
    let bar = progress(seeds);
    let mut result = SoakResult::default();
    for report in reports {
        if let Some(failure) = &report.failure {
            let (seed, replay) = (report.seed, replay_line(report.seed, options));
            let line = format!("seed {seed} failed: {}: {}\nreplay it with: {replay} -v", failure.oracle, failure.what);
            bar.suspend(|| output.note(&line));
        }
        result.add(report, options);
        bar.inc(1);
    }
    bar.finish_and_clear();
    result
}

/// On a terminal only.
fn progress(seeds: u64) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {per_sec}, {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(seeds), target).with_style(style)
}
