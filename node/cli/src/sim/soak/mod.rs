//! `tetrarch sim soak`: many seeds, on all cores.

mod profiles;
mod record;
mod summary;
mod work;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use clap::{Args, value_parser};
use tetrarch_simulator::{Report, Seed};

use super::clocks::Clocks;
use super::fixed::Fixed;
use super::progress::Progress;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use profiles::Profiles;
use record::Record;
use summary::{FailedSeed, Summary};
use work::Work;

/// Which seeds.
#[derive(Debug, Args)]
pub(crate) struct SoakArguments {
    /// How many.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first.
    #[arg(long, default_value = "0", value_name = "SEED")]
    from: Seed,
    /// Which kinds of trouble are drawn from: calm, crashes, byzantine, mixed, overrun; `all` takes them in turn, seed by seed.
    #[arg(long, default_value = "mixed", value_name = "PROFILE")]
    profile: Profiles,
    /// How many run at once; one for each core if it is not said.
    #[arg(long, value_name = "J")]
    jobs: Option<NonZeroUsize>,
    /// End at the first seed that fails.
    #[arg(long)]
    fail_fast: bool,
    /// Append a line of JSON for each seed that fails, and one for the whole, which says from where to go on.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    fixed: Fixed,
}

/// Reports that may wait to be added up.
const WAITING: usize = 256;

/// After so many seeds that failed a soak ends: what it found is one bug more often than many, and its record must not fill a disk.
const MOST_FAILED: usize = 10_000;

pub(super) fn run(arguments: &SoakArguments, output: &Output) -> Result<(), Failure> {
    let mut record = arguments.record.as_deref().map(Record::open).transpose()?;
    let (interrupt, clocks) = (Interrupt::listen(), Clocks::start());
    let work = Work::new(arguments, &interrupt);
    let summary = thread::scope(|scope| {
        let (results, reports) = sync_channel(WAITING);
        for _ in 0..jobs(arguments) {
            let (results, work) = (results.clone(), &work);
            scope.spawn(move || work.run(&results));
        }
        drop(results);
        gather(reports, &work, record.as_mut(), output)
    })?;
    let summary = summary.finish(&clocks, interrupt.has_come());
    record.map_or(Ok(()), |mut record| record.summary(&summary))?;
    output.data(&summary, || summary.text())?;
    match summary.failures.first() {
        _ if interrupt.has_come() => Err(Failure::interrupted()),
        Some(first) => Err(first.complaint.failure(&first.replay)),
        None => Ok(()),
    }
}

fn jobs(arguments: &SoakArguments) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    arguments.jobs.map_or(cores, NonZeroUsize::get)
}

/// Adds up what comes in, until all threads are done or the record cannot be written. What is kept is bounded whatever the number of
/// seeds: sums, and the seeds that failed.
fn gather(
    reports: Receiver<Report>,
    work: &Work<'_>,
    mut record: Option<&mut Record>,
    output: &Output,
) -> Result<Summary, Failure> {
    let bar = Progress::new(work.arguments.seeds, "seeds");
    let mut summary = Summary::new(work.arguments.from);
    for report in reports {
        let failed = FailedSeed::of(&report, &work.options(report.seed));
        summary.add(report);
        if let Some(failed) = failed {
            bar.say(output, &failed.text());
            if let Some(record) = &mut record {
                record.failed(&failed).inspect_err(|_| work.end())?;
            }
            summary.failed(failed);
            if work.arguments.fail_fast || summary.failed.len() >= MOST_FAILED {
                work.end();
            }
        }
        bar.advance(summary.failed.len());
    }
    Ok(summary)
}
