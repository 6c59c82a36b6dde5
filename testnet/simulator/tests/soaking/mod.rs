//! Many seeds on many threads, and what they came to.
#![expect(
    clippy::disallowed_types,
    reason = "what a run of the tests takes is real time; nothing in a seed depends on it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tetrarch_simulator::coverage::{Rules, SHOWN};
use tetrarch_simulator::{Counters, Options, Profile, Report, Seed, replay_line, run};

/// Runs this many seeds, from 0 on, each under its profile.
pub(crate) fn soak(seeds: u64, threads: usize, profile: impl Fn(u64) -> Profile + Sync) -> Tally {
    let next = AtomicU64::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return tally;
            }
            let options = Options { profile: profile(seed), ..Options::default() };
            tally.merge(Tally::of(run(Seed::new(seed), &options), &options));
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().fold(Tally::default(), |mut all, thread| {
            all.merge(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            all
        })
    })
}

/// What seeds came to.
#[derive(Default)]
pub(crate) struct Tally {
    /// What failed, by seed, with the line that replays it.
    pub(crate) failures: BTreeMap<u64, String>,
    /// The rules of the protocol seen at work.
    pub(crate) rules: Rules,
    seeds: BTreeMap<Profile, u64>,
    faults: BTreeMap<Profile, Counters>,
    /// What oracles counted.
    figures: Counters,
    /// From the end of the faults until all was well, one a seed that has to recover.
    recoveries: Vec<Duration>,
    events: u64,
    delivered: u64,
    simulated: Duration,
    /// All trace hashes, one over the other: the same whenever every run was the same, whoever came first.
    traces: [u8; 32],
}

impl Tally {
    /// What one run came to.
    fn of(report: Report, options: &Options) -> Self {
        let profile = options.profile;
        let failure = complaint(&report, profile).map(|what| {
            let line = format!("{what}\nreplay it with: {} -v", replay_line(report.seed, options));
            (report.seed.get(), line)
        });
        Self {
            failures: failure.into_iter().collect(),
            rules: report.rules,
            seeds: [(profile, 1)].into(),
            faults: [(profile, report.faults)].into(),
            figures: report.figures,
            recoveries: report.recovery.filter(|_| profile.is_bearable()).into_iter().collect(),
            events: report.events,
            delivered: report.delivered,
            simulated: report.simulated,
            traces: report.trace_hash,
        }
    }

    fn merge(&mut self, other: Self) {
        self.failures.extend(other.failures);
        self.rules.extend(other.rules);
        other.seeds.into_iter().for_each(|(profile, seeds)| *self.seeds.entry(profile).or_default() += seeds);
        other.faults.into_iter().for_each(|(profile, faults)| add(self.faults.entry(profile).or_default(), faults));
        add(&mut self.figures, other.figures);
        self.recoveries.extend(other.recoveries);
        self.events += other.events;
        self.delivered += other.delivered;
        self.simulated += other.simulated;
        self.traces.iter_mut().zip(other.traces).for_each(|(sum, byte)| *sum ^= byte);
    }

    /// Whether something was counted under a profile.
    pub(crate) fn happened_under(&self, profile: Profile, name: &str) -> bool {
        self.faults.get(&profile).is_some_and(|faults| faults.contains_key(name))
    }

    /// How often something was counted.
    pub(crate) fn times(&self, name: &str) -> u64 {
        self.faults.values().chain([&self.figures]).filter_map(|counters| counters.get(name)).sum()
    }

    /// Whether something was ever counted.
    pub(crate) fn happened(&self, name: &str) -> bool {
        self.times(name) > 0
    }

    /// For people.
    pub(crate) fn summary(&self, clocks: &Clocks) -> String {
        let (wall, processor) = clocks.read();
        let Self { seeds, events, delivered, simulated, failures, .. } = self;
        let number: u64 = seeds.values().sum();
        let profiles: Vec<String> = seeds.iter().map(|(profile, seeds)| format!("{profile} {seeds}")).collect();
        let kinds: BTreeSet<&str> = self.faults.values().flat_map(|faults| faults.keys().copied()).collect();
        let fired: u64 = self.faults.values().flat_map(|faults| faults.values()).sum();
        let hours = simulated.as_secs_f64() / 3_600.0;
        [
            format!("{number} seeds ({}), {} failed", profiles.join(", "), failures.len()),
            format!(
                "{wall:.1} s, {processor:.1} s of processor time, {:.1} ms a seed",
                processor * 1e3 / number as f64
            ),
            format!(
                "{events} events, {delivered} messages delivered, {:.0} a second and core",
                *delivered as f64 / processor
            ),
            format!("{hours:.2} hours simulated, {:.2} hours a minute of processor time", hours * 60.0 / processor),
            format!(
                "{fired} faults and lies of {} kinds and forms, rules at work {} of {}",
                kinds.len(),
                SHOWN.iter().filter(|rule| self.rules.contains(*rule)).count(),
                SHOWN.len()
            ),
            format!("well again after the faults: {}", self.recovery()),
            format!("all traces together: {}", self.traces.map(|byte| format!("{byte:02x}")).concat()),
        ]
        .join("\n")
    }

    fn recovery(&self) -> String {
        let mut recoveries = self.recoveries.clone();
        recoveries.sort_unstable();
        let at =
            |share: usize| recoveries.get((recoveries.len() * share / 100).min(recoveries.len().saturating_sub(1)));
        match (at(50), at(99), recoveries.last()) {
            (Some(half), Some(most), Some(all)) => {
                format!("half of {} within {half:?}, 99 of 100 within {most:?}, all within {all:?}", recoveries.len())
            }
            _ => "no seed had to be".to_owned(),
        }
    }
}

fn add(sum: &mut Counters, counters: Counters) {
    counters.into_iter().for_each(|(name, times)| *sum.entry(name).or_default() += times);
}

/// What is wrong with a run: an oracle complains; or the cluster never came to be well, or never answered anyone, and none noticed.
fn complaint(report: &Report, profile: Profile) -> Option<String> {
    let seed = report.seed;
    if let Some(failure) = &report.failure {
        return Some(format!("seed {seed} failed: {}: {}", failure.oracle, failure.what));
    }
    let is_idle = profile.is_bearable() && (report.recovery.is_none() || report.answered == 0);
    is_idle
        .then(|| format!("seed {seed} passed, but with {} answers and recovery {:?}", report.answered, report.recovery))
}

/// What the whole takes, on the wall and in the processor.
pub(crate) struct Clocks {
    wall: Instant,
    processor: Duration,
}

impl Clocks {
    /// From now on.
    pub(crate) fn start() -> Self {
        Self { wall: Instant::now(), processor: processor() }
    }

    /// Seconds since then, on the wall and in the processor; never nothing, so that rates are finite.
    fn read(&self) -> (f64, f64) {
        let processor = processor().saturating_sub(self.processor);
        (self.wall.elapsed().as_secs_f64().max(0.001), processor.as_secs_f64().max(0.001))
    }
}

fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
