//! Scenarios of twins: every one of a few rounds, and some of longer ones.
#![expect(clippy::disallowed_methods, reason = "scenarios know nothing of each other, so a test may use all cores")]

use std::collections::BTreeSet;
use std::thread;

use tetrarch_simulator::Options;
use tetrarch_simulator::twins::Scenario;

fn all_pass(scenarios: &[Scenario]) {
    let parts = scenarios.chunks(scenarios.len().div_ceil(4));
    thread::scope(|scope| {
        for part in parts {
            scope.spawn(move || part.iter().for_each(passes));
        }
    });
}

fn passes(scenario: &Scenario) {
    let report = scenario.run(&Options::default());
    assert_eq!(report.failure, None, "{scenario:?}: {scenario}");
    assert!(report.answered > 0 && report.faults.contains_key("twins"), "{scenario}");
}

#[test]
fn every_scenario_of_one_round_passes() {
    let scenarios: Vec<_> = (0..Scenario::count(1)).map(|number| Scenario { rounds: 1, number }).collect();
    assert_eq!(scenarios.len(), 64);
    all_pass(&scenarios);
}

#[test]
fn scenarios_of_four_rounds_pass() {
    // A step that shares no factor with their number comes by all twins and all splits.
    let number = |nth: u64| nth * 1_000_003 % Scenario::count(4);
    let scenarios: Vec<_> = (0..200).map(|nth| Scenario { rounds: 4, number: number(nth) }).collect();
    all_pass(&scenarios);
}

#[test]
fn numbers_are_scenarios_one_to_one() {
    let all: BTreeSet<_> = (0..Scenario::count(2)).map(|number| Scenario { rounds: 2, number }.to_string()).collect();
    assert_eq!(all.len() as u64, Scenario::count(2));
    let one = Scenario { rounds: 2, number: 4 * (16 * 9 + 6) + 1 };
    assert_eq!(one.to_string(), "replica 1 runs twice; 0 1 4 | 2 3; 0 2 3 | 1 1'".replace('4', "1'"));
}
