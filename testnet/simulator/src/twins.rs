//! Twins: every way in which one replica that runs twice can be split from the others and from itself (Bano et al., "Twins: BFT
//! Systems Made Robust", OPODIS 2021).
//!
//! Two nodes run honest code with one key, so whatever they say apart is an equivocation, a double vote or a lost memory: no list
//! of lies is needed. A scenario says which of four replicas is the one, and for each round into which two groups the five nodes
//! fall; clients reach everyone. A round is long enough for a decision, or for a view change behind a primary that is cut off. Then
//! everything heals, and every oracle is asked, that of liveness too.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_replica::PoolLimits;

use crate::draw::{Cut, Drawn, PAUSE};
use crate::options::{Options, Profile};
use crate::report::Report;
use crate::scheme::Signatures;
use crate::seed::Seed;
use crate::workload::{KvWorkload, Workload};
use crate::world::World;

/// Replicas of a scenario.
const N: usize = 4;

/// Ways to split five nodes into two groups, one of them perhaps empty: the first node's side is fixed.
const SPLITS: u64 = 1 << N;

/// More than a timeout and a view change.
const ROUND: Duration = Duration::from_millis(250);

const BASE_TIMEOUT: Duration = Duration::from_millis(100);

/// The most rounds whose scenarios can be numbered; far more than can be run.
pub const MAX_ROUNDS: u32 = 15;

/// One scenario, by its place among all of the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    /// How many rounds; at most [`MAX_ROUNDS`].
    pub rounds: u32,
    /// Which one; below [`Scenario::count`].
    pub number: u64,
}

impl Scenario {
    /// How many scenarios there are of so many rounds.
    pub const fn count(rounds: u32) -> u64 {
        N as u64 * SPLITS.pow(rounds)
    }

    /// The replica that runs twice.
    pub const fn twin(&self) -> usize {
        (self.number % N as u64) as usize
    }

    /// For each round, bit i: node i + 1 is not with node 0. The last node is the twin's second half.
    pub fn splits(&self) -> Vec<u64> {
        let mut rest = self.number / N as u64;
        let mut split = || {
            let split = rest % SPLITS;
            rest /= SPLITS;
            split
        };
        (0..self.rounds).map(|_| split()).collect()
    }

    /// Runs it.
    pub fn run(&self, options: &Options) -> Report {
        let workload: Arc<dyn Workload> = Arc::new(KvWorkload);
        // The seed decides delays and clocks alone; every scenario has its own.
        World::of(Seed::new(self.number), self.drawn(), options, &workload).run()
    }

    fn drawn(&self) -> Drawn {
        let cuts = self.splits().into_iter().zip(0_u32..).map(|(split, round)| Cut {
            at: ROUND * round,
            lasting: ROUND,
            links: across(split),
        });
        Drawn {
            profile: Profile::Byzantine,
            n: N,
            clients: 2,
            depth: 1,
            signatures: Signatures::Fake,
            checkpoint_interval: 8,
            window: 16,
            pipeline: 4,
            spacing: Duration::ZERO,
            batch: 16,
            base_timeout: BASE_TIMEOUT,
            ledger: 64,
            is_cold: false,
            latency: Duration::from_millis(1),
            jitter: Duration::from_micros(500),
            fsync: Duration::from_micros(20),
            skew: Duration::from_millis(20),
            faulty_for: ROUND * self.rounds,
            faulty_events: u64::MAX,
            pause: PAUSE,
            message_troubles: Vec::new(),
            node_troubles: Vec::new(),
            liars: Vec::new(),
            twins: vec![self.twin()],
            cuts: cuts.collect(),
            hostile: Vec::new(),
            mischief_pace: Duration::ZERO,
            pool: PoolLimits::default(),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |node: usize| if node == N { format!("{}'", self.twin()) } else { node.to_string() };
        let group = |split: u64, away: u64| {
            let members = (0..=N).filter(|node| side(split, *node) == away).map(name);
            members.collect::<Vec<_>>().join(" ")
        };
        let rounds = self.splits().into_iter().map(|split| format!("{} | {}", group(split, 0), group(split, 1)));
        write!(f, "replica {} runs twice; {}", self.twin(), rounds.collect::<Vec<_>>().join("; "))
    }
}

const fn side(split: u64, node: usize) -> u64 {
    if node == 0 { 0 } else { split >> (node - 1) & 1 }
}

/// The links between the two groups, in both directions.
fn across(split: u64) -> Vec<(usize, usize)> {
    let pairs = (0..=N).flat_map(|one| (0..=N).map(move |other| (one, other)));
    pairs.filter(|(one, other)| side(split, *one) != side(split, *other)).collect()
}
