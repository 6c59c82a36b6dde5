//! `tetrarch sim chart`: a run, or a part of it, as a picture or a log.
//!
//! ```text
//!   report.trace ──▶ choice: which messages ──▶ window: which part of the time ──▶ scene: what is to be seen ──▶ svg, shiviz, text
//! ```

mod choice;
mod history;
mod scene;
mod shiviz;
mod speech;
mod svg;
mod window;

use clap::{Args, ValueEnum, value_parser};
use serde::Serialize;
use tetrarch_simulator::{Options, Profile, Report, Seed, replay_line};

use self::choice::{Choice, Kinds};
use self::scene::Scene;
use self::window::Window;
use super::complaint::Complaint;
use super::fixed::Fixed;
use crate::failure::Failure;
use crate::output::Output;

/// Which seed, which part of it, and in which form.
#[derive(Debug, Args)]
pub(crate) struct ChartArguments {
    /// A number, or a commit hash.
    seed: Seed,
    /// Which kinds of trouble are drawn from: calm, crashes, byzantine, mixed.
    #[arg(long, default_value_t = Profile::Mixed)]
    profile: Profile,
    /// The form.
    #[arg(long, value_enum, default_value_t = Form::Svg)]
    format: Form,
    /// Begin here, in milliseconds of simulated time. Without it and --to: the last part before a failure, or the beginning.
    #[arg(long, value_name = "MS", value_parser = millis)]
    from: Option<f64>,
    /// End here.
    #[arg(long, value_name = "MS", value_parser = millis)]
    to: Option<f64>,
    /// About as many messages where --from and --to do not say how long.
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = value_parser!(u32).range(1..=4_000))]
    messages: u32,
    /// Messages of these kinds only.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all", value_name = "KINDS")]
    kinds: Vec<Kinds>,
    /// These replicas only, such as 0,2,3. Clients are shown if messages from and to them are.
    #[arg(long, value_delimiter = ',', value_name = "REPLICAS")]
    replicas: Vec<usize>,
    /// Messages about this sequence number only.
    #[arg(long, value_name = "N")]
    seq: Option<u64>,
    #[command(flatten)]
    fixed: Fixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A picture, for every browser.
    Svg,
    /// A log with vector clocks, for ShiViz.
    Shiviz,
    /// Lines, those of `sim run -v`.
    Text,
}

fn millis(text: &str) -> Result<f64, String> {
    let millis: f64 = text.parse().map_err(|_| format!("{text:?} is no number of milliseconds"))?;
    if (0.0..=MOST_MILLIS).contains(&millis) { Ok(millis) } else { Err("no run gets there".to_owned()) }
}

/// A day, more than any run.
const MOST_MILLIS: f64 = 86_400_000.0;

pub(super) fn run(arguments: &ChartArguments, output: &Output) -> Result<(), Failure> {
    let options = Options { trace: true, ..arguments.fixed.options(arguments.profile) };
    let report = tetrarch_simulator::run(arguments.seed, &options);
    let choice = arguments.choice(&report)?;
    let window = Window::choose(&report, &choice, arguments.bounds()?, arguments.messages as usize);
    let scene = Scene::new(&report, replay_line(arguments.seed, &options), window, &choice);
    let chart = match arguments.format {
        Form::Svg => svg::draw(&scene),
        Form::Shiviz => shiviz::log(&scene),
        Form::Text => scene.lines(),
    };
    let result = ChartResult::of(&report, &scene, chart);
    output.data(&result, || result.chart.clone())?;
    if scene.left_out > 0 {
        output.note(&format!("{} messages of this part are not shown: choose a shorter one", scene.left_out));
    }
    Ok(())
}

impl ChartArguments {
    fn choice(&self, report: &Report) -> Result<Choice, Failure> {
        let n = report.drawn.replicas().count();
        if let Some(stranger) = self.replicas.iter().find(|replica| **replica >= n) {
            let happened = format!("there is no replica {stranger}: this seed has {n}");
            return Err(Failure::usage("drawing a chart", happened, format!("name some of 0 to {}", n - 1)));
        }
        Ok(Choice { kinds: self.kinds.clone(), replicas: self.replicas.clone(), seq: self.seq })
    }

    /// Both in microseconds.
    fn bounds(&self) -> Result<(Option<u64>, Option<u64>), Failure> {
        let micros = |millis: f64| (millis * 1_000.0) as u64;
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            let happened = format!("{from} ms is not before {to} ms");
            return Err(Failure::usage("drawing a chart", happened, "give a --from that is less than --to"));
        }
        Ok((self.from.map(micros), self.to.map(micros)))
    }
}

#[derive(Serialize)]
struct ChartResult {
    seed: u64,
    from_ms: f64,
    to_ms: f64,
    messages: usize,
    left_out: usize,
    failure: Option<Complaint>,
    chart: String,
}

impl ChartResult {
    fn of(report: &Report, scene: &Scene<'_>, chart: String) -> Self {
        Self {
            seed: report.seed.get(),
            from_ms: window::millis(scene.window.from),
            to_ms: window::millis(scene.window.to),
            messages: scene.messages(),
            left_out: scene.left_out,
            failure: report.failure.as_ref().map(Complaint::of),
            chart,
        }
    }
}
