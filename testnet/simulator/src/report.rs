//! What came of a run.

use std::any::Any;
use std::time::Duration;

use tetrarch_types::Time;

use crate::counters::Counters;
use crate::draw::Drawn;
use crate::options::Options;
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
    /// What oracles counted beside that: how much they judged, and what they report without calling it wrong.
    pub figures: Counters,
    /// What went wrong, if anything did.
    pub failure: Option<Failure>,
    /// From the end of the faults until everyone had caught up and every client was answered. None if that never came.
    pub recovery: Option<Duration>,
    /// Every event, if the options asked for it.
    pub trace: Vec<String>,
}

impl Report {
    /// What is left of a run that panicked.
    pub(crate) fn of_panic(seed: Seed, options: &Options, panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let what = text.unwrap_or("a panic without words").to_owned();
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
            figures: Counters::new(),
            failure: Some(Failure { oracle: "panic", what, at: Time::ZERO }),
            recovery: None,
            trace: Vec::new(),
        }
    }
}

/// The line that replays a seed under options that can be given at the command line. `-v` behind it lists every event.
pub fn replay_line(seed: Seed, options: &Options) -> String {
    let mut line = format!("tetrarch sim run --seed {seed} --profile {}", options.profile);
    if let Some(n) = options.n {
        line += &format!(" --n {n}");
    }
    if let Some(faulty_for) = options.faulty_for {
        line += &format!(" --ticks {}", faulty_for.as_millis());
    }
    line
}
