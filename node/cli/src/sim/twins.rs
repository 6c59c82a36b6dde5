//! `tetrarch sim twins`: scenarios of one replica that runs twice, all of them or some.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use clap::{Args, value_parser};
use serde::Serialize;
use tetrarch_simulator::twins::{MAX_ROUNDS, Scenario};
use tetrarch_simulator::{Options, Report};

use super::clocks::Clocks;
use super::complaint::Complaint;
use super::progress::Progress;
use super::recoveries::{Recoveries, Recovery};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// Which scenarios.
#[derive(Debug, Args)]
pub(crate) struct TwinsArguments {
    /// In how many rounds the replicas are split anew. There are 4 · 16^R scenarios of R rounds.
    #[arg(long, default_value_t = 2, value_name = "R", value_parser = value_parser!(u32).range(1..=i64::from(MAX_ROUNDS)))]
    rounds: u32,
    /// Only so many, spread over all of them.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..), conflicts_with = "scenario")]
    sample: Option<u64>,
    /// How many were run before, as an interrupted command says: they are not run again.
    #[arg(long, default_value_t = 0, value_name = "N", conflicts_with = "scenario")]
    from: u64,
    /// Only this one; `-v` prints every event of it.
    #[arg(long, value_name = "NUMBER")]
    scenario: Option<u64>,
    /// Print every event.
    #[arg(short, long, requires = "scenario")]
    verbose: bool,
    /// How many run at once; one for each core if it is not said.
    #[arg(long, value_name = "J")]
    jobs: Option<NonZeroUsize>,
}

/// Reports that may wait to be added up.
const WAITING: usize = 256;

/// A step through the numbers that shares no factor with how many there are: a sample comes by all twins and all splits.
const STRIDE: u64 = 1_000_003;

pub(super) fn run(arguments: &TwinsArguments, output: &Output) -> Result<(), Failure> {
    match arguments.scenario {
        Some(number) => run_one(Scenario { rounds: arguments.rounds, number }, arguments.verbose, output),
        None => run_many(arguments, output),
    }
}

#[derive(Serialize)]
struct Failed {
    scenario: u64,
    splits: String,
    #[serde(flatten)]
    complaint: Complaint,
    replay: String,
}

impl Failed {
    /// None if it did not fail.
    fn of(scenario: Scenario, report: &Report) -> Option<Self> {
        let complaint = Complaint::of(report.failure.as_ref()?);
        let Scenario { rounds, number } = scenario;
        let replay = format!("tetrarch sim twins --rounds {rounds} --scenario {number}");
        Some(Self { scenario: number, splits: scenario.to_string(), complaint, replay })
    }
}

fn run_one(scenario: Scenario, is_verbose: bool, output: &Output) -> Result<(), Failure> {
    let count = Scenario::count(scenario.rounds);
    if scenario.number >= count {
        let happened =
            format!("there is no scenario {}: of {} rounds there are {count}", scenario.number, scenario.rounds);
        return Err(Failure::usage("running a scenario", happened, format!("name one of 0 to {}", count - 1)));
    }
    let report = scenario.run(&Options { trace: is_verbose, ..Options::default() });
    let lines: Vec<String> = report.trace.iter().map(ToString::to_string).collect();
    let object = serde_json::json!({
        "scenario": scenario.number, "splits": scenario.to_string(), "answered": report.answered, "highest_view": report.views,
        "recovery_ms": report.recovery.map(|it| it.as_millis()), "failed": report.failure.is_some(), "trace": lines,
    });
    output.data(&object, || {
        let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        text += &format!("scenario {} of {count}: {scenario}\n", scenario.number);
        text + &format!("{} answers, highest view {}\n", report.answered, report.views)
    })?;
    Failed::of(scenario, &report).map_or(Ok(()), |failed| Err(failed.complaint.failure(&failed.replay)))
}

/// What many scenarios came to.
#[derive(Default, Serialize)]
struct Summary {
    rounds: u32,
    /// How many there are of so many rounds.
    of: u64,
    /// Where this began, in the order in which they are run.
    from: u64,
    scenarios: u64,
    /// Where to go on: all before are done.
    next: u64,
    interrupted: bool,
    exhaustive: bool,
    failed: Vec<Failed>,
    delivered: u64,
    seconds: f64,
    delivered_per_cpu_s: u64,
    recovery_ms: Option<Recovery>,
    #[serde(skip)]
    recoveries: Recoveries,
}

fn run_many(arguments: &TwinsArguments, output: &Output) -> Result<(), Failure> {
    let wanted = wanted(arguments);
    if arguments.from >= wanted {
        let happened = format!("all {wanted} scenarios that are asked for come before --from {}", arguments.from);
        return Err(Failure::usage("running scenarios", happened, format!("go on from one of 0 to {}", wanted - 1)));
    }
    let (interrupt, clocks) = (Interrupt::listen(), Clocks::start());
    let work = Work::new(arguments, &interrupt);
    let mut summary = thread::scope(|scope| {
        let (results, reports) = sync_channel(WAITING);
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        for _ in 0..arguments.jobs.map_or(cores, NonZeroUsize::get) {
            let (results, work) = (results.clone(), &work);
            scope.spawn(move || work.run(&results));
        }
        drop(results);
        gather(reports, &work, output)
    });
    summary.finish(&clocks, interrupt.has_come());
    output.data(&summary, || summary.text())?;
    match summary.failed.first() {
        _ if interrupt.has_come() => Err(Failure::interrupted()),
        Some(first) => Err(first.complaint.failure(&first.replay)),
        None => Ok(()),
    }
}

/// How many scenarios are asked for.
fn wanted(arguments: &TwinsArguments) -> u64 {
    let all = Scenario::count(arguments.rounds);
    arguments.sample.map_or(all, |sample| sample.min(all))
}

/// What there is to do. Scenarios are begun in order, and whoever begins one ends it: so what is done has no gaps.
struct Work<'a> {
    rounds: u32,
    from: u64,
    wanted: u64,
    interrupt: &'a Interrupt,
    begun: AtomicU64,
}

impl<'a> Work<'a> {
    fn new(arguments: &TwinsArguments, interrupt: &'a Interrupt) -> Self {
        let TwinsArguments { rounds, from, .. } = *arguments;
        Self { rounds, from, wanted: wanted(arguments), interrupt, begun: AtomicU64::new(from) }
    }

    fn run(&self, results: &SyncSender<(Scenario, Report)>) {
        loop {
            let nth = self.begun.fetch_add(1, Ordering::Relaxed);
            if nth >= self.wanted || self.interrupt.has_come() {
                return;
            }
            let all = u128::from(Scenario::count(self.rounds));
            let number = (u128::from(nth) * u128::from(STRIDE) % all) as u64;
            let scenario = Scenario { rounds: self.rounds, number };
            // Nobody listens only when the command is over.
            let _ = results.send((scenario, scenario.run(&Options::default())));
        }
    }
}

fn gather(reports: Receiver<(Scenario, Report)>, work: &Work<'_>, output: &Output) -> Summary {
    let bar = Progress::new(work.wanted - work.from, "scenarios");
    let of = Scenario::count(work.rounds);
    let mut summary = Summary { rounds: work.rounds, of, from: work.from, ..Summary::default() };
    for (scenario, report) in reports {
        summary.scenarios += 1;
        summary.delivered += report.delivered;
        if let Some(recovery) = report.recovery {
            summary.recoveries.add(recovery.as_millis());
        }
        if let Some(failed) = Failed::of(scenario, &report) {
            let Failed { scenario, splits, complaint: Complaint { oracle, what, .. }, replay } = &failed;
            bar.say(
                output,
                &format!("scenario {scenario} ({splits}) failed: {oracle}: {what}\nreplay it with: {replay} -v"),
            );
            summary.failed.push(failed);
        }
        bar.advance(summary.failed.len());
    }
    summary
}

impl Summary {
    fn finish(&mut self, clocks: &Clocks, interrupted: bool) {
        self.exhaustive = self.scenarios == self.of;
        (self.next, self.interrupted) = (self.from + self.scenarios, interrupted);
        self.seconds = clocks.seconds();
        self.delivered_per_cpu_s = (self.delivered as f64 / clocks.processor_seconds()) as u64;
        self.recovery_ms = self.recoveries.summary();
        self.failed.sort_by_key(|failed| failed.scenario);
    }

    fn text(&self) -> String {
        let Self { rounds, of, scenarios, seconds, delivered_per_cpu_s, .. } = self;
        let share = if self.exhaustive { "all".to_owned() } else { scenarios.to_string() };
        let mut text = format!(
            "{share} of the {of} scenarios of {rounds} rounds in {seconds:.1} s, {} failed\n",
            self.failed.len()
        );
        if self.interrupted {
            text += &format!("interrupted; go on with --from {}\n", self.next);
        }
        text += &format!("{delivered_per_cpu_s} delivered messages a second and core\n");
        if let Some(Recovery { p50, p99, max }) = self.recovery_ms {
            text += &format!("all well after the last round: p50 {p50} ms, p99 {p99} ms, max {max} ms\n");
        }
        text
    }
}
