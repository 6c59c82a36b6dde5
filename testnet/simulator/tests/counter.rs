//! The example of `examples/counter`: the right machine passes, each planted bug is found, and by whom; and a test of the machines
//! alone, restarts included, finds nothing wrong with the cache.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

#[path = "../examples/counter/bugs.rs"]
mod bugs;
#[path = "../examples/counter/machine.rs"]
mod machine;
#[path = "../examples/counter/workload.rs"]
mod workload;

use std::sync::Arc;

use bugs::{Buggy, Cached, Doubling};
use machine::Counters;
use tetrarch_kv::{Context, Overlay, StateMachine};
use tetrarch_simulator::{Finding, Options, Profile, Rng, Workload, check, hunt};
use tetrarch_storage::{Durability, MemoryStore, Store};
use tetrarch_types::{SeqNum, Timestamp};
use workload::CounterWorkload;

/// Seeds within which each bug must be found, from each of several first ones.
const PATIENCE: u64 = 240;

type Machine = fn() -> Box<dyn StateMachine>;

fn found(machine: Machine, from: u64, muted: &[&'static str]) -> Box<Finding> {
    let options = Options { profile: Profile::Byzantine, muted: muted.to_vec(), ..Options::default() };
    let finding = hunt(Arc::new(CounterWorkload { machine }), &options, from..from + PATIENCE).unwrap_err();
    assert!(finding.replays, "{finding}");
    finding
}

#[test]
fn the_right_counters_pass_and_enough_happens_to_them() {
    let survey = check(CounterWorkload { machine: || Box::new(Counters) }, 0..48);
    assert_eq!(survey.seeds, 48);
    assert!(survey.answered > 1_000, "{survey}");
    for fault in ["state-installed", "crash", "lost-writes"] {
        assert!(survey.faults.contains_key(fault), "{fault}: {survey}");
    }
}

#[test]
fn a_cache_that_outlives_a_state_is_found_where_it_shows() {
    for from in [0, 1_000, 2_000] {
        let finding = found(|| Box::new(Buggy(Cached::default())), from, &[]);
        assert_eq!(finding.oracle(), "contract", "{finding}");
        assert!(finding.what().contains("read "), "{finding}");
        // A state that was fetched, or a batch that was worked out and never decided: the cache knows what the state does not.
        let is_due = |fault: &str| finding.report.faults.contains_key(fault);
        assert!(is_due("state-installed") || is_due("told-early"), "{finding}");
    }
}

/// By its consequences alone: replicas that answer differently.
#[test]
fn a_cache_that_outlives_a_state_is_found_by_what_it_does() {
    let finding = found(|| Box::new(Buggy(Cached::default())), 0, &["contract"]);
    assert_eq!(finding.oracle(), "one-result", "{finding}");
}

#[test]
fn a_move_that_makes_more_breaks_the_invariant() {
    for from in [0, 1_000, 2_000] {
        let finding = found(|| Box::new(Buggy(Doubling)), from, &[]);
        assert_eq!(finding.oracle(), "invariant", "{finding}");
        assert!(finding.passed < 10, "{finding}");
    }
}

/// By its consequences alone: answers that the model does not give.
#[test]
fn a_move_that_makes_more_is_found_by_the_model() {
    let finding = found(|| Box::new(Buggy(Doubling)), 0, &["invariant"]);
    assert_eq!(finding.oracle(), "history", "{finding}");
}

#[test]
fn the_finding_says_what_to_look_for_and_how_to_run_it_again() {
    let finding = found(|| Box::new(Buggy(Doubling)), 7, &[]);
    // What is wrapped reads like what is not.
    let text = finding.to_string();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let replay = format!("hunt(Arc::new(workload), &options, [{}])", finding.report.seed);
    for part in
        ["invariant", "was added", "`Workload::check`", "\"move ", "profile byzantine", "Profile::Byzantine", &replay]
    {
        assert!(words.contains(part), "{part} is missing:\n{text}");
    }
    assert!(text.lines().all(|line| line.len() < 200), "{text}");
}

/// What a careful author tests: many commands against the machine without the cache, and restarts among them.
#[test]
fn a_test_of_the_machine_alone_does_not_see_the_cache() {
    let (store, plain) = (MemoryStore::new(), MemoryStore::new());
    let mut generator = CounterWorkload { machine: || Box::new(Buggy(Cached::default())) }.generator(0);
    let mut rng = Rng::new(1);
    let mut machine = Buggy(Cached::default());
    for seq in 0..5_000 {
        if rng.chance(100) {
            machine = Buggy(Cached::default());
        }
        let context = Context { seq: SeqNum::new(seq), index: 0, time: Timestamp::ZERO };
        let command = generator.next(&mut rng);
        let shown = String::from_utf8_lossy(&command);
        assert_eq!(
            apply(&machine, &store, &context, &command),
            apply(&Counters, &plain, &context, &command),
            "{shown}"
        );
    }
}

fn apply(machine: &dyn StateMachine, store: &MemoryStore, context: &Context, command: &[u8]) -> Vec<u8> {
    let mut state = Overlay::new(store, machine.tables());
    let result = machine.execute(context, command, &mut state);
    store.write(state.into_batch().unwrap(), Durability::Buffered).unwrap();
    result
}
