//! Ten thousand seeds, the same in every run, on all cores: none fails, and everything that can happen did happen in them.
//!
//! `cargo test` runs it whole. By itself it runs what it is told: `… --test ten_thousand -- 300 crashes` the first 300 seeds, all under
//! one profile; then it asks only whether they pass, since rare faults need many seeds.
#![expect(clippy::print_stdout, reason = "what came of the seeds is to be seen in every run of the tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "seeds run beside each other, each of them replayable, and are named on the command line"
)]

mod soaking;

use std::process::ExitCode;
use std::thread;

use soaking::{Clocks, Tally, soak};
use tetrarch_simulator::Profile;
use tetrarch_simulator::client::{HABITS, TOLD_NEVER};
use tetrarch_simulator::coverage::SHOWN;
use tetrarch_simulator::menu::{self, Item, MENU};

/// How many seeds a run of the tests has: half as many where they would take twice as long.
fn seeds(cores: usize) -> u64 {
    if cores > 2 { 10_000 } else { 5_000 }
}

/// Of each twenty seeds: most take whatever goes wrong, since that is where surprises come from, and some each other kind.
fn profile(seed: u64) -> Profile {
    match seed % 20 {
        0..=11 => Profile::Mixed,
        12..=15 => Profile::Crashes,
        16 | 17 => Profile::Byzantine,
        18 => Profile::Calm,
        _ => Profile::Overrun,
    }
}

/// What should have happened in all seeds together and did not, and what should not have and did.
fn surprises(tally: &Tally) -> Vec<String> {
    let mut surprises = Vec::new();
    for (item, missing) in menu::missing(|name| tally.happened(name)) {
        surprises.push(format!("of fault {}, {}: never {}", item.number, item.name, missing.join(", ")));
    }
    let idle = SHOWN.iter().filter(|rule| !tally.rules.contains(*rule));
    surprises.extend(idle.map(|rule| format!("rule {rule} was never seen at work")));
    let in_peace = MENU.iter().flat_map(Item::counters).filter(|name| tally.happened_under(Profile::Calm, name));
    surprises.extend(in_peace.map(|name| format!("under calm, {name} happened")));
    // Honest clients have habits, meet what hostile ones did, and are told the truth.
    let missing = HABITS.into_iter().chain([TOLD_NEVER]).filter(|name| !tally.happened(name));
    surprises.extend(missing.map(|name| format!("{name} never happened")));
    surprises.extend(undecided(tally));
    surprises
}

/// The search for linearizations has to see something, and hardly ever to give up.
fn undecided(tally: &Tally) -> Option<String> {
    let (operations, given_up) = (tally.times("linearized-operations"), tally.times("linearizability-undecided"));
    let is_idle = operations < 100 || given_up * 100 > operations;
    is_idle.then(|| format!("of {operations} operations linearized, {given_up} searches gave up"))
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let (number, only) =
        (words.iter().find_map(|word| word.parse().ok()), words.iter().find_map(|word| word.parse().ok()));
    // Other words are names of tests that somebody looks for, and none is here.
    if words.len() != usize::from(number.is_some()) + usize::from(only.is_some())
        || std::env::args().any(|it| it == "--list")
    {
        return ExitCode::SUCCESS;
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let number = number.unwrap_or_else(|| seeds(cores));
    println!("\n{number} seeds of the simulator on {cores} cores (10000 on more than two, 5000 on fewer)");
    let clocks = Clocks::start();
    let tally = soak(number, cores, |seed| only.unwrap_or_else(|| profile(seed)));
    println!("{}", tally.summary(&clocks));
    let surprises = if words.is_empty() { surprises(&tally) } else { Vec::new() };
    tally.failures.values().chain(&surprises).for_each(|what| println!("{what}"));
    if tally.failures.is_empty() && surprises.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
