//! The same seed is the same run; another seed is another.

use std::collections::BTreeSet;
use std::time::Duration;

use tetrarch_simulator::client::Mischief;
use tetrarch_simulator::faults::NodeTrouble;
use tetrarch_simulator::{Drawn, Options, Profile, Seed, Signatures, run};

fn brief(profile: Profile) -> Options {
    Options { profile, faulty_for: Some(Duration::from_millis(400)), ..Options::default() }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for profile in Profile::ALL {
        for seed in [1, 2, 3].map(Seed::new) {
            assert_eq!(run(seed, &brief(profile)), run(seed, &brief(profile)), "seed {seed} under {profile}");
        }
    }
}

#[test]
fn real_signatures_are_deterministic_too() {
    let options = Options { signatures: Some(Signatures::Real), n: Some(4), ..brief(Profile::Mixed) };
    assert_eq!(run(Seed::new(7), &options), run(Seed::new(7), &options));
}

#[test]
fn different_seeds_give_different_runs() {
    let hashes: BTreeSet<_> = (0..20).map(|seed| run(Seed::new(seed), &brief(Profile::Calm)).trace_hash).collect();
    assert_eq!(hashes.len(), 20);
}

#[test]
fn reading_along_changes_nothing() {
    let readable = Options { trace: true, ..brief(Profile::Mixed) };
    let (read, unread) = (run(Seed::new(5), &readable), run(Seed::new(5), &brief(Profile::Mixed)));
    assert_eq!(read.trace_hash, unread.trace_hash);
    assert!(!read.trace.is_empty() && unread.trace.is_empty());
}

#[test]
fn what_is_fixed_is_not_drawn() {
    let options = Options { n: Some(5), signatures: Some(Signatures::Fake), ..brief(Profile::Byzantine) };
    let report = run(Seed::new(9), &options);
    assert_eq!((report.drawn.n, report.drawn.faulty_for), (5, Duration::from_millis(400)));
}

#[test]
fn mischief_that_is_named_is_the_only_one() {
    let options = Options { mischief: vec![Mischief::Replay], ..brief(Profile::Byzantine) };
    let report = run(Seed::new(9), &options);
    assert_eq!(report.drawn.hostile, [(0, vec![Mischief::Replay])]);
    for kind in Mischief::ALL {
        let happened = kind.forms().iter().any(|form| report.faults.contains_key(form));
        assert_eq!(happened, kind == Mischief::Replay, "{kind}");
    }
    // Where nobody is hostile, nobody is.
    let calm = run(Seed::new(9), &Options { profile: Profile::Calm, ..options });
    assert!(calm.drawn.hostile.is_empty());
}

/// Found by crashes seed 1085: a replica that lost its records to a torn sector waited for checkpoints while every batch cost a view.
#[test]
fn a_hasty_run_leaves_records_where_they_are() {
    let drawn = |seed| Drawn::new(seed, &Options { profile: Profile::Crashes, ..Options::default() });
    let is_hasty = |drawn: &Drawn| drawn.jitter.is_zero() && drawn.base_timeout == drawn.latency / 2;
    let hasty: Vec<Drawn> = (1_000..1_200).map(drawn).filter(is_hasty).collect();
    assert!(hasty.len() > 10, "{} of them are hasty", hasty.len());
    for drawn in hasty {
        let takes_records = |trouble: &NodeTrouble| {
            matches!(trouble, NodeTrouble::Harm(_) | NodeTrouble::TornSector | NodeTrouble::LostFsync)
        };
        assert!(!drawn.node_troubles.iter().any(|(trouble, _)| takes_records(trouble)), "{drawn}");
    }
}

/// Found by crashes seed 373981: a replica learnt that its records were gone when all clients had their last answers, and nobody brought
/// the checkpoints that would have ended its silence.
#[test]
fn clients_go_on_when_a_silence_begins_late() {
    let report = run(Seed::new(373_981), &Options { profile: Profile::Crashes, ..Options::default() });
    assert_eq!(report.failure, None);
}
