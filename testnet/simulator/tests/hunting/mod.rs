//! Hunting a mutant: seed after seed until an oracle notices.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tetrarch_mutants::Mutant;
use tetrarch_simulator::adversary::Lie;
use tetrarch_simulator::{Options, Profile, Seed, Signatures, run};

/// Hunts that each mutant is put through: an odd number, so that one of them is the median.
const HUNTS: usize = 5;

/// How many seeds lie between the beginnings of two hunts: more than any hunt's patience.
const APART: u64 = 10_000;

/// The circumstances under which a mutant is hunted, and the patience for it.
#[derive(Clone, Debug)]
pub(crate) struct Hunt {
    options: Options,
    patience: u64,
}

impl Hunt {
    pub(crate) fn under(profile: Profile) -> Self {
        // Real signatures take their time and show nothing more.
        let signatures = Some(Signatures::Fake);
        Self { options: Options { profile, signatures, ..Options::default() }, patience: 2_000 }
    }

    /// Every liar tells all of these lies.
    pub(crate) fn telling(mut self, lies: &[Lie]) -> Self {
        self.options.lies = lies.to_vec();
        self
    }

    /// The runs are short: enough for what shows at once or never.
    pub(crate) const fn for_a_while(mut self) -> Self {
        self.options.faulty_for = Some(Duration::from_millis(300));
        self
    }

    /// Instead of a number that is drawn.
    pub(crate) fn with_replicas(mut self, n: usize) -> Self {
        self.options.n = Some(n);
        self
    }

    /// These oracles are not asked.
    pub(crate) fn without(mut self, oracles: &[&'static str]) -> Self {
        self.options.muted = oracles.to_vec();
        self
    }

    /// The most seeds that a hunt may take.
    pub(crate) const fn for_at_most(mut self, seeds: u64) -> Self {
        self.patience = seeds;
        self
    }

    /// The hunt of this number: the seeds that it took, and who noticed.
    fn once(&self, mutant: Mutant, number: usize) -> Option<Catch> {
        let options = Options { mutant: Some(mutant), ..self.options.clone() };
        let first = APART * number as u64;
        (0..self.patience).find_map(|tried| {
            let failure = run(Seed::new(first + tried), &options).failure?;
            Some((tried + 1, failure.oracle))
        })
    }
}

/// Seeds, and the oracle that noticed in the last of them.
type Catch = (u64, &'static str);

/// What came of hunting one mutant in one way.
#[derive(Debug)]
pub(crate) struct Bag {
    mutant: Mutant,
    muted: Vec<&'static str>,
    /// Of each hunt, ascending.
    catches: Vec<Option<Catch>>,
}

impl Bag {
    pub(crate) const fn mutant(&self) -> Mutant {
        self.mutant
    }

    /// Whether every hunt caught it.
    pub(crate) fn is_full(&self) -> bool {
        self.catches.iter().all(Option::is_some)
    }

    /// One line: the mutant, the median, all who noticed.
    pub(crate) fn line(&self) -> String {
        let head = if self.muted.is_empty() {
            format!("{:2}  {}", self.mutant.number(), self.mutant)
        } else {
            format!("      without {}", self.muted.join(", "))
        };
        let oracles: BTreeSet<&str> = self.catches.iter().flatten().map(|(_, oracle)| *oracle).collect();
        let oracles = oracles.into_iter().collect::<Vec<_>>().join(", ");
        let lost = self.catches.iter().filter(|catch| catch.is_none()).count();
        match self.catches.get(HUNTS / 2).copied().flatten().filter(|_| lost == 0) {
            Some((1, _)) => format!("{head:<44}    1 seed   {oracles}"),
            Some((median, _)) => format!("{head:<44} {median:>4} seeds  {oracles}"),
            None => format!("{head:<44} got through in {lost} hunts of {HUNTS}  {oracles}"),
        }
    }
}

/// Puts each mutant through all its hunts, on all cores; hands over what came of each, in order, as soon as it is known.
pub(crate) fn hunt(hunts: &[(Mutant, Hunt)], mut then: impl FnMut(Bag)) {
    let next = AtomicUsize::new(0);
    let (report, reports) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(4, usize::from) {
            let (report, next) = (report.clone(), &next);
            scope.spawn(move || {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    let Some((mutant, hunt)) = hunts.get(job / HUNTS) else { return };
                    if report.send((job / HUNTS, hunt.once(*mutant, job % HUNTS))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(report);
        let mut bags: Vec<Bag> = hunts.iter().map(|(mutant, hunt)| empty(*mutant, hunt)).collect();
        let mut handed = 0;
        for (which, catch) in reports {
            bags[which].catches.push(catch);
            while let Some(bag) = bags.get_mut(handed).filter(|bag| bag.catches.len() == HUNTS) {
                bag.catches.sort_unstable();
                then(Bag { catches: std::mem::take(&mut bag.catches), ..empty(bag.mutant, &hunts[handed].1) });
                handed += 1;
            }
        }
    });
}

fn empty(mutant: Mutant, hunt: &Hunt) -> Bag {
    Bag { mutant, muted: hunt.options.muted.clone(), catches: Vec::new() }
}
