//! Every rule of the protocol that a simulation can show is at work in some seed.

use std::collections::BTreeSet;

use tetrarch_simulator::adversary::Lie;
use tetrarch_simulator::client::Mischief;
use tetrarch_simulator::coverage::{ELSEWHERE, SHOWN};
use tetrarch_simulator::{Options, Profile, Seed, run};

/// Seeds that are tried at most; far fewer should do.
const SEEDS: u64 = 200;

#[test]
fn every_rule_is_seen_at_work() {
    let mut missing = BTreeSet::from(SHOWN);
    for seed in 0..SEEDS {
        let report = run(Seed::new(seed), &options(seed));
        missing.retain(|rule| !report.rules.contains(rule));
        if missing.is_empty() {
            return;
        }
    }
    panic!("never seen at work: {missing:?}");
}

/// Profiles in turn, and between them what is rarely drawn together: that something expires, and a primary that proposes it (rule R-3).
fn options(seed: u64) -> Options {
    let (lies, mischief) = (vec![Lie::BadBatch], vec![Mischief::Validity]);
    match seed % 4 {
        0 => Options { profile: Profile::Mixed, ..Options::default() },
        1 => Options { profile: Profile::Byzantine, ..Options::default() },
        2 => Options { profile: Profile::Crashes, ..Options::default() },
        _ => Options { profile: Profile::Byzantine, lies, mischief, ..Options::default() },
    }
}

#[test]
fn a_rule_is_shown_or_elsewhere_and_named_once() {
    let named = SHOWN.into_iter().chain(ELSEWHERE.map(|(rule, _)| rule));
    assert_eq!(named.clone().count(), named.collect::<BTreeSet<_>>().len());
}
