//! Many seeds of each profile run without a complaint, and everything that can go wrong did go wrong in them.

use tetrarch_simulator::adversary::Lie;
use tetrarch_simulator::faults::{LOST_WRITES, MessageTrouble, NodeTrouble, WritePoint, forms};
use tetrarch_simulator::oracles::FORKS;
use tetrarch_simulator::{Counters, Options, Profile, Seed, replay_line, run};

const SEEDS: u64 = 60;

/// What happened in all of them together.
fn all_well(profile: Profile, seeds: std::ops::Range<u64>) -> Counters {
    let options = Options { profile, ..Options::default() };
    let mut counters = Counters::new();
    for seed in seeds.map(Seed::new) {
        let report = run(seed, &options);
        assert_eq!(report.failure, None, "{}", replay_line(seed, &options));
        assert!(report.recovery.is_some() && report.answered > 0, "{}", replay_line(seed, &options));
        for (fault, times) in report.faults {
            *counters.entry(fault).or_default() += times;
        }
    }
    counters
}

fn all_fired<'a>(counters: &Counters, names: impl IntoIterator<Item = &'a str>) {
    let missing: Vec<&str> = names.into_iter().filter(|name| !counters.contains_key(name)).collect();
    assert!(missing.is_empty(), "these never happened: {missing:?}; these did: {counters:?}");
}

#[test]
fn calm_seeds_pass_and_nothing_goes_wrong_in_them() {
    let counters = all_well(Profile::Calm, 0..SEEDS);
    let faults =
        MessageTrouble::ALL.map(MessageTrouble::name).into_iter().chain(NodeTrouble::ALL.map(NodeTrouble::name));
    let fired: Vec<&str> =
        faults.chain(Lie::ALL.iter().map(|lie| lie.name())).filter(|name| counters.contains_key(name)).collect();
    assert!(fired.is_empty(), "{fired:?}");
}

#[test]
fn crashing_seeds_pass_and_every_fault_fires() {
    let counters = all_well(Profile::Crashes, 600..600 + 2 * SEEDS);
    all_fired(&counters, NodeTrouble::ALL.map(NodeTrouble::name));
    all_fired(&counters, MessageTrouble::ALL.map(MessageTrouble::name));
    all_fired(&counters, WritePoint::ALL.map(WritePoint::name));
    all_fired(&counters, forms::ALL);
    all_fired(&counters, [LOST_WRITES]);
}

#[test]
fn lying_seeds_pass_and_every_lie_is_told() {
    let counters = all_well(Profile::Byzantine, 200..200 + 2 * SEEDS);
    all_fired(&counters, Lie::ALL.iter().map(|lie| lie.name()));
}

#[test]
fn mixed_seeds_pass() {
    all_well(Profile::Mixed, 300..300 + SEEDS);
}

#[test]
fn overrun_seeds_fork_and_convict_who_did_it() {
    let options = Options { profile: Profile::Overrun, ..Options::default() };
    let mut forks = 0;
    for seed in (400..400 + SEEDS).map(Seed::new) {
        let report = run(seed, &options);
        assert_eq!(report.failure, None, "{}", replay_line(seed, &options));
        forks += report.faults.get(FORKS).copied().unwrap_or_default();
    }
    assert!(forks > 0, "no order ever forked");
}
