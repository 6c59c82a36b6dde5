//! A smaller run that fails as a given one does.
//!
//! ```text
//!   troubles: left out together, by halves, one by one ──▶ sizes: n, clients, depth ──▶ time: where the faults end ──▶ again
//! ```
//!
//! Each step is a run of the same seed with something less. It is kept if the same oracle complains, and if the run is no longer than
//! the one that all began with. Whoever leaves something out changes the course of all that follows, and what needs a rare course
//! to show then hides: so when no step can be kept any more, each is tried on a few other courses too. What is left when that does
//! not help either, or the runs are used up, is the answer.

mod steps;

use std::collections::BTreeSet;

use crate::options::Options;
use crate::report::Report;
use crate::seed::Seed;

/// On how many other courses each step is tried: none first, and more only when nothing else helps.
const COURSES: [u64; 3] = [0, 10, 100];

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Runs at most, the first included.
    pub runs: u32,
    /// Whether the complaint of any oracle counts, not only of the one that complained first.
    pub any_oracle: bool,
}

/// A failing run and a smaller one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The run as it was given.
    pub before: Report,
    /// What the smaller run is asked for.
    pub options: Options,
    /// The smaller run; the same as before if nothing could be left out.
    pub after: Report,
    /// Runs that it took.
    pub runs: u32,
}

/// One step: a run that was tried.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Runs so far.
    pub runs: u32,
    /// What was tried, such as `without loss`.
    pub tried: &'a str,
    /// Whether that run fails too, so that all later ones begin from it.
    pub is_kept: bool,
    /// The smallest failing run so far.
    pub smallest: &'a Report,
}

/// Looks for it, and tells of each run.
///
/// # Errors
/// The run that does not fail at all.
pub fn shrink(
    seed: Seed,
    options: &Options,
    limits: Limits,
    watch: &mut dyn FnMut(&Step<'_>),
) -> Result<Shrunk, Box<Report>> {
    let options = Options { trace: false, ..options.clone() };
    let before = crate::run(seed, &options);
    if before.failure.is_none() {
        return Err(Box::new(before));
    }
    let (after, runs) = (before.clone(), 1);
    let mut search = Search { seed, limits, before, options, after, runs, tried: BTreeSet::new(), courses: 0, watch };
    search.less_time();
    for courses in COURSES {
        search.courses = courses;
        search.descend();
    }
    let Search { before, options, after, runs, .. } = search;
    Ok(Shrunk { before, options, after, runs })
}

struct Search<'a> {
    seed: Seed,
    limits: Limits,
    before: Report,
    /// Those of the smallest failing run so far.
    options: Options,
    /// That run.
    after: Report,
    runs: u32,
    tried: BTreeSet<String>,
    /// How many other courses each step is tried on.
    courses: u64,
    watch: &'a mut dyn FnMut(&Step<'_>),
}

impl Search<'_> {
    /// Steps until none can be kept any more.
    fn descend(&mut self) {
        loop {
            let before = self.options.clone();
            self.less_trouble();
            self.smaller();
            self.less_time();
            if self.options == before || self.runs >= self.limits.runs {
                return;
            }
        }
    }

    /// Tries a run, on its course and on others. Whether one of them is the smallest run now.
    fn attempt(&mut self, tried: &str, options: &Options) -> bool {
        let courses = std::iter::once(options.schedule).chain(1..=self.courses);
        let courses = courses.map(|schedule| Options { schedule, ..options.clone() });
        courses.into_iter().any(|options| self.attempt_one(tried, options))
    }

    fn attempt_one(&mut self, tried: &str, options: Options) -> bool {
        if self.runs >= self.limits.runs || !self.tried.insert(format!("{options:?}")) {
            return false;
        }
        self.runs += 1;
        let report = crate::run(self.seed, &options);
        let is_kept = self.is_smaller(&report);
        if is_kept {
            self.options = options;
            self.after = report;
        }
        (self.watch)(&Step { runs: self.runs, tried, is_kept, smallest: &self.after });
        is_kept
    }

    fn is_smaller(&self, report: &Report) -> bool {
        let oracle = |report: &Report| report.failure.as_ref().map(|failure| failure.oracle);
        let is_alike = match oracle(report) {
            Some(_) if self.limits.any_oracle => true,
            complaint => complaint.is_some() && complaint == oracle(&self.before),
        };
        is_alike && report.events <= self.before.events
    }
}
