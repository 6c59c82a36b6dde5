//! What came of a run.

use std::any::Any;
use std::time::Duration;

use tetrarch_types::Time;

use crate::counters::Counters;
use crate::coverage;
use crate::draw::Drawn;
use crate::node::words;
use crate::options::Options;
use crate::recording::Entry;
use crate::seed::Seed;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The oracle that says so.
    pub oracle: &'static str,
    /// What it saw.
    pub what: String,
    /// When, in simulated time.
    pub at: Time,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: Seed,
    /// What it drew.
    pub drawn: Drawn,
    /// SHA-256 over all events and observations: the same for the same seed and options.
    pub trace_hash: [u8; 32],
    /// Events handled.
    pub events: u64,
    /// Messages between replicas, and between replicas and clients, that arrived.
    pub delivered: u64,
    /// Simulated time that passed.
    pub simulated: Duration,
    /// Batches that honest replicas executed.
    pub batches: u64,
    /// Transactions that clients saw answered.
    pub answered: u64,
    /// The highest view that an honest replica entered.
    pub views: u64,
    /// How often each fault and each lie happened.
    pub faults: Counters,
    /// The rules of the protocol that were seen at work.
    pub rules: coverage::Rules,
    /// What oracles counted beside that: how much they judged, and what they report without calling it wrong.
    pub figures: Counters,
    /// What went wrong, if anything did.
    pub failure: Option<Failure>,
    /// If something did: the latest commands in the one order, with their results, as the workload shows them.
    pub commands: Vec<String>,
    /// From the end of the faults until everyone had caught up and every client was answered. None if that never came.
    pub recovery: Option<Duration>,
    /// Everything that happened in order of time, if the options asked for it: the latest million entries.
    pub trace: Vec<Entry>,
}

impl Report {
    /// What is left of a run that panicked.
    pub(crate) fn of_panic(seed: Seed, options: &Options, panic: &(dyn Any + Send)) -> Self {
        let what = words(panic);
        Self {
            seed,
            drawn: Drawn::new(seed.get(), options),
            trace_hash: [0; 32],
            events: 0,
            delivered: 0,
            simulated: Duration::ZERO,
            batches: 0,
            answered: 0,
            views: 0,
            faults: Counters::new(),
            rules: coverage::Rules::new(),
            figures: Counters::new(),
            failure: Some(Failure { oracle: "panic", what, at: Time::ZERO }),
            commands: Vec::new(),
            recovery: None,
            trace: Vec::new(),
        }
    }
}

/// The line that replays a seed under options that can be given at the command line. `-v` behind it lists every event.
pub fn replay_line(seed: Seed, options: &Options) -> String {
    let mut line = format!("tetrarch sim run --seed {seed} --profile {}", options.profile);
    let numbers = [("n", options.n), ("clients", options.clients), ("depth", options.depth)];
    let millis = [("ticks", options.faulty_for), ("heal-within", options.heal_within)];
    let numbers = numbers.map(|(name, number)| (name, number.map(|number| number as u128)));
    let millis = millis.map(|(name, span)| (name, span.map(|span| span.as_millis())));
    for (name, value) in numbers.into_iter().chain(millis) {
        line += &value.map(|value| format!(" --{name} {value}")).unwrap_or_default();
    }
    if options.schedule != 0 {
        line += &format!(" --schedule {}", options.schedule);
    }
    if !options.without.is_empty() {
        line +=
            &format!(" --without {}", options.without.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    }
    line
}
