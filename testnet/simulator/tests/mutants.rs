//! Deliberate bugs, put back one at a time: the oracles must notice each of them within a bounded number of seeds.
#![cfg(feature = "mutants")]
#![expect(clippy::print_stderr, reason = "how many seeds it took is worth reading")]

use tetrarch_replica::Mutant;
use tetrarch_simulator::adversary::Lie;
use tetrarch_simulator::{Options, Profile, Seed, run};

/// Hunts that each mutant is put through, so that a median means something.
const HUNTS: u64 = 5;

/// The seeds that it took, and who noticed.
fn hunt(options: &Options, from: u64, patience: u64) -> (u64, &'static str) {
    (0..patience)
        .find_map(|tried| Some((tried + 1, run(Seed::new(from + tried), options).failure?.oracle)))
        .unwrap_or((u64::MAX, "nobody"))
}

fn must_be_caught(mutant: Mutant, options: Options, patience: u64) {
    let options = Options { mutant: Some(mutant), ..options };
    let mut hunts: Vec<_> = (0..HUNTS).map(|number| hunt(&options, 10_000 * number, patience)).collect();
    hunts.sort_unstable();
    let (median, profile, muted) = (hunts[hunts.len() / 2].0, options.profile, &options.muted);
    eprintln!("{mutant:?} under {profile} without {muted:?}: caught after {median} seeds (median), in each {hunts:?}");
    assert!(hunts.iter().all(|(seeds, _)| *seeds <= patience), "{mutant:?} got through: {hunts:?}");
}

fn under(profile: Profile) -> Options {
    Options { profile, ..Options::default() }
}

#[test]
fn a_commit_quorum_that_is_too_small_is_caught() {
    must_be_caught(Mutant::CommitQuorumTooSmall, under(Profile::Calm), 5);
}

/// By its consequences alone: decisions that a view change does not carry over.
#[test]
fn a_commit_quorum_that_is_too_small_is_caught_by_what_it_does() {
    let options = Options { muted: vec!["certificates"], ..under(Profile::Mixed) };
    must_be_caught(Mutant::CommitQuorumTooSmall, options, 400);
}

#[test]
fn reproposals_that_nobody_recomputes_are_caught() {
    must_be_caught(Mutant::ReproposalsNotRecomputed, under(Profile::Byzantine), 250);
}

/// By its consequences alone: replicas that execute different batches.
#[test]
fn reproposals_that_nobody_recomputes_are_caught_by_what_they_do() {
    let options = Options { muted: vec!["new-views"], lies: vec![Lie::WrongReproposals], ..under(Profile::Mixed) };
    must_be_caught(Mutant::ReproposalsNotRecomputed, options, 400);
}

#[test]
fn a_vote_in_front_of_its_record_is_caught() {
    must_be_caught(Mutant::VoteBeforeFsync, under(Profile::Crashes), 5);
}

/// By its consequences alone: a crash takes the record of a vote that has left.
#[test]
fn a_vote_in_front_of_its_record_is_caught_by_crashes() {
    let options = Options { muted: vec!["durable-first"], ..under(Profile::Mixed) };
    must_be_caught(Mutant::VoteBeforeFsync, options, 400);
}
