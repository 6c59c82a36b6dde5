//! Many seeds, one after the other, until one fails: what a test calls that puts a state machine under the harness.
//!
//! There are no threads here, as in all of the simulator. Tests run beside each other anyway: several of them, each with seeds of its
//! own, keep all cores busy.

mod advice;
mod finding;
mod survey;

use std::sync::Arc;

pub use advice::advice;
pub use finding::Finding;
pub use survey::Survey;

use crate::options::{Options, Profile};
use crate::report::Report;
use crate::run_with;
use crate::seed::Seed;
use crate::workload::Workload;

/// Runs seeds until one fails, and what all of them came to together if none does.
///
/// # Errors
/// The first that fails. It is run once more, for its trace, and to see whether it fails again.
pub fn hunt(
    workload: Arc<dyn Workload>,
    options: &Options,
    seeds: impl IntoIterator<Item = u64>,
) -> Result<Survey, Box<Finding>> {
    hunt_under(workload, "hunt(Arc::new(workload), &options", |_| options.clone(), seeds)
}

/// Each seed under options of its own. `call` is how the caller is called, up to the seeds.
fn hunt_under(
    workload: Arc<dyn Workload>,
    call: &'static str,
    options: impl Fn(u64) -> Options,
    seeds: impl IntoIterator<Item = u64>,
) -> Result<Survey, Box<Finding>> {
    let mut survey = Survey::default();
    for seed in seeds {
        let (options, seed) = (options(seed), Seed::new(seed));
        let report = run_with(seed, &options, workload.clone());
        if report.failure.is_some() {
            let traced = Options { trace: true, ..options };
            let again = run_with(seed, &traced, workload);
            return Err(Box::new(finding(report, again, call, survey.seeds)));
        }
        survey.add(&report);
    }
    Ok(survey)
}

/// What a seed failed with, and what it came to when it was run once more.
fn finding(first: Report, again: Report, call: &'static str, passed: u64) -> Finding {
    let replays = first.failure == again.failure && first.trace_hash == again.trace_hash;
    Finding { report: if replays { again } else { first }, replays, passed, call }
}

/// For a `#[test]`: runs seeds, each under the profile whose turn it is, so that a few of them see all there are: with good networks
/// clients ask for most, with bad ones the machine is restarted, left behind and given the state of others.
///
/// ```should_panic
/// # use tetrarch_simulator::{Generator, Rng, Workload};
/// # use tetrarch_kv::{Context, Overlay, QueryError, StateMachine};
/// # use tetrarch_storage::{Reader, StoreError, Table};
/// # struct Forgetful(std::sync::atomic::AtomicU64);
/// # impl StateMachine for Forgetful {
/// #     fn execute(&self, _: &Context, _: &[u8], _: &mut Overlay<'_>) -> Vec<u8> {
/// #         self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes().to_vec()
/// #     }
/// #     fn query(&self, _: &[u8], _: &dyn Reader) -> Result<Vec<u8>, QueryError> { Ok(Vec::new()) }
/// #     fn revision(&self, _: &dyn Reader) -> Result<u64, StoreError> { Ok(0) }
/// #     fn check(&self, _: &[u8]) -> Result<(), String> { Ok(()) }
/// #     fn tables(&self) -> &'static [Table] { &[] }
/// # }
/// # struct Ask;
/// # impl Generator for Ask {
/// #     fn next(&mut self, _: &mut Rng) -> Vec<u8> { b"next".to_vec() }
/// # }
/// # struct MyWorkload;
/// # impl Workload for MyWorkload {
/// #     fn machine(&self) -> Box<dyn StateMachine> { Box::new(Forgetful(0.into())) }
/// #     fn generator(&self, _: usize) -> Box<dyn Generator> { Box::new(Ask) }
/// # }
/// // A machine that counts its commands in `self`: each start of a replica would count anew.
/// tetrarch_simulator::check(MyWorkload, 0..20);
/// ```
///
/// # Panics
/// If a seed fails: with the seed, what was seen, what it probably means, and how to run it again.
#[track_caller]
#[expect(clippy::panic, reason = "that is how a test fails")]
pub fn check(workload: impl Workload + 'static, seeds: impl IntoIterator<Item = u64>) -> Survey {
    match hunt_under(Arc::new(workload), "check(workload", turn, seeds) {
        Ok(survey) => survey,
        Err(finding) => panic!("{finding}"),
    }
}

/// Every fourth seed is calm, and so on.
fn turn(seed: u64) -> Options {
    let profiles = Profile::ALL.len() as u64;
    let profile = Profile::ALL.into_iter().nth((seed % profiles) as usize).unwrap_or_default();
    Options { profile, ..Options::default() }
}
