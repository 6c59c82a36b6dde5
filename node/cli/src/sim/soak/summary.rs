//! What many seeds came to.

use std::collections::BTreeMap;

use serde::Serialize;
use tetrarch_simulator::coverage::SHOWN;
use tetrarch_simulator::menu::{self, MENU};
use tetrarch_simulator::{Options, Report, Seed, replay_line};

use super::MOST_FAILED;
use crate::output::table;
use crate::sim::clocks::Clocks;
use crate::sim::complaint::Complaint;
use crate::sim::recoveries::{Recoveries, Recovery};

/// Failures told in detail: the first that were found. All are in the record, if there is one.
const MOST_DETAILS: usize = 100;

/// A seed that failed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FailedSeed {
    pub(super) seed: u64,
    profile: &'static str,
    #[serde(flatten)]
    pub(super) complaint: Complaint,
    pub(super) replay: String,
}

impl FailedSeed {
    /// None if it did not fail.
    pub(super) fn of(report: &Report, options: &Options) -> Option<Self> {
        let complaint = Complaint::of(report.failure.as_ref()?);
        let replay = replay_line(report.seed, options);
        Some(Self { seed: report.seed.get(), profile: options.profile.name(), complaint, replay })
    }

    pub(super) fn text(&self) -> String {
        let Self { seed, complaint: Complaint { oracle, what, .. }, replay, .. } = self;
        format!("seed {seed} failed: {oracle}: {what}\nreplay it with: {replay} -v")
    }
}

/// What many seeds came to.
#[derive(Default, Serialize)]
pub(super) struct Summary {
    /// How many were run.
    seeds: u64,
    from: u64,
    /// Where to go on: all seeds between are done.
    next_seed: u64,
    interrupted: bool,
    /// The seeds that failed.
    pub(super) failed: Vec<u64>,
    /// The same with what went wrong, of the first that were found.
    pub(super) failures: Vec<FailedSeed>,
    events: u64,
    delivered: u64,
    seconds: f64,
    cpu_seconds: f64,
    events_per_s: u64,
    delivered_per_s: u64,
    delivered_per_cpu_s: u64,
    simulated_hours: f64,
    simulated_hours_per_cpu_minute: f64,
    recovery_ms: Option<Recovery>,
    profiles: BTreeMap<&'static str, OfProfile>,
    faults: BTreeMap<&'static str, u64>,
    /// What oracles counted.
    figures: BTreeMap<&'static str, u64>,
    /// In how many runs each rule of the protocol was at work.
    rules: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    recoveries: Recoveries,
}

/// The seeds of one profile.
#[derive(Default, Serialize)]
struct OfProfile {
    seeds: u64,
    failed: u64,
    recovery_ms: Option<Recovery>,
    #[serde(skip)]
    recoveries: Recoveries,
}

impl Summary {
    pub(super) fn new(from: Seed) -> Self {
        Self { from: from.get(), ..Self::default() }
    }

    /// One more run.
    pub(super) fn add(&mut self, report: Report) {
        self.seeds += 1;
        self.events += report.events;
        self.delivered += report.delivered;
        self.simulated_hours += report.simulated.as_secs_f64() / 3_600.0;
        let of_profile = self.profiles.entry(report.drawn.profile.name()).or_default();
        of_profile.seeds += 1;
        of_profile.failed += u64::from(report.failure.is_some());
        if let Some(recovery) = report.recovery {
            self.recoveries.add(recovery.as_millis());
            of_profile.recoveries.add(recovery.as_millis());
        }
        for (fault, times) in report.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        for (figure, number) in report.figures {
            *self.figures.entry(figure).or_default() += number;
        }
        for rule in report.rules {
            *self.rules.entry(rule).or_default() += 1;
        }
    }

    /// The run failed.
    pub(super) fn failed(&mut self, failed: FailedSeed) {
        self.failed.push(failed.seed);
        if self.failures.len() < MOST_DETAILS {
            self.failures.push(failed);
        }
    }

    /// Nothing more is added.
    pub(super) fn finish(mut self, clocks: &Clocks, interrupted: bool) -> Self {
        self.interrupted = interrupted;
        self.next_seed = self.from.wrapping_add(self.seeds);
        (self.seconds, self.cpu_seconds) = (clocks.seconds(), clocks.processor_seconds());
        self.events_per_s = (self.events as f64 / self.seconds) as u64;
        self.delivered_per_s = (self.delivered as f64 / self.seconds) as u64;
        self.delivered_per_cpu_s = (self.delivered as f64 / self.cpu_seconds) as u64;
        self.simulated_hours_per_cpu_minute = self.simulated_hours * 60.0 / self.cpu_seconds;
        self.failed.sort_unstable();
        self.failures.sort_by_key(|failed| failed.seed);
        self.recovery_ms = self.recoveries.summary();
        for of_profile in self.profiles.values_mut() {
            of_profile.recovery_ms = of_profile.recoveries.summary();
        }
        self
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { seeds, next_seed, events_per_s, delivered_per_s, delivered_per_cpu_s, .. } = self;
        let mut text = format!("{seeds} seeds in {:.1} s, {} failed\n", self.seconds, self.failed.len());
        if self.interrupted {
            text += &format!("interrupted; go on with --from {next_seed}\n");
        } else if self.failed.len() >= MOST_FAILED {
            text += &format!("ended after so many that failed; go on with --from {next_seed}\n");
        }
        text += &format!("{events_per_s} events and {delivered_per_s} delivered messages a second, ");
        text += &format!("{delivered_per_cpu_s} delivered a second and core\n");
        let (hours, pace) = (self.simulated_hours, self.simulated_hours_per_cpu_minute);
        text += &format!("{hours:.2} hours simulated, {pace:.2} hours a minute of processor time\n\n");
        text += &table(&["PROFILE", "SEEDS", "FAILED", "RECOVERY p50", "p99", "MAX"], &self.profile_rows());
        text += &format!("\n{}{}", self.menu(), self.coverage());
        text += &format!("\n{}", table(&["FAULT", "TIMES"], &rows(&self.faults)));
        text + "\n" + &table(&["ORACLES COUNTED", "NUMBER"], &rows(&self.figures))
    }

    /// The faults of the menu: how many happened in all their forms, and which did not.
    fn menu(&self) -> String {
        let happened =
            |name: &str| [&self.faults, &self.figures].iter().any(|it| it.get(name).is_some_and(|times| *times > 0));
        let missing = menu::missing(happened);
        let mut text = format!("faults of the menu that happened: {} of {}\n", MENU.len() - missing.len(), MENU.len());
        for (item, counters) in missing {
            text += &format!("  not {}, {}: {}\n", item.number, item.name, counters.join(", "));
        }
        text
    }

    /// The protocol's rules: how many were at work, and which were not.
    fn coverage(&self) -> String {
        let (all, idle): (usize, Vec<&str>) =
            (SHOWN.len(), SHOWN.into_iter().filter(|rule| !self.rules.contains_key(rule)).collect());
        let missing = if idle.is_empty() { String::new() } else { format!("; not {}", idle.join(", ")) };
        format!("rules of the protocol at work: {} of {all}{missing}\n", all - idle.len())
    }

    fn profile_rows(&self) -> Vec<Vec<String>> {
        let row = |(name, of): (&&'static str, &OfProfile)| {
            let mut row = vec![(*name).to_owned(), of.seeds.to_string(), of.failed.to_string()];
            if let Some(Recovery { p50, p99, max }) = of.recovery_ms {
                row.extend([p50, p99, max].map(|millis| format!("{millis} ms")));
            }
            row
        };
        self.profiles.iter().map(row).collect()
    }
}

fn rows(counts: &BTreeMap<&'static str, u64>) -> Vec<Vec<String>> {
    counts.iter().map(|(what, times)| vec![(*what).to_owned(), times.to_string()]).collect()
}
