//! A bounded run of every target: the same seeded inputs every time, and how far they get.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "how many inputs ran is worth knowing; what cannot begin has failed"
)]

use std::collections::BTreeMap;

use tetrarch_fuzz::inputs::Inputs;
use tetrarch_fuzz::{Reach, targets, trace};

/// What a run must come to, of a hundred inputs: so many are read, so many of them are refused and accepted.
struct Share {
    read: usize,
    refused: usize,
    accepted: usize,
}

fn smoke(name: &str, inputs: usize, least: &Share) {
    let target = targets::named(name).unwrap();
    for seed in (target.seeds)() {
        (target.run)(&seed);
    }
    let mut drawn = Inputs::new(target, 1);
    let mut reached: BTreeMap<Reach, usize> = BTreeMap::new();
    for number in 0..inputs {
        let input = drawn.draw();
        let reach = std::panic::catch_unwind(|| (target.run)(&input));
        let reach = reach.unwrap_or_else(|_| panic!("{name}: input {number} of seed 1: {}", hex(&input)));
        drawn.note(input, reach);
        *reached.entry(reach).or_default() += 1;
    }
    let count = |reach| reached.get(&reach).copied().unwrap_or_default();
    let [unread, refused, accepted] = [Reach::Unread, Reach::Refused, Reach::Accepted].map(count);
    println!("{name}: {inputs} inputs: {unread} not read, {refused} refused, {accepted} accepted");
    assert!((refused + accepted) * 100 >= inputs * least.read, "{name}: too few get past the decoder: {reached:?}");
    assert!(refused * 100 >= inputs * least.refused, "{name}: too few are refused: {reached:?}");
    assert!(accepted * 100 >= inputs * least.accepted, "{name}: too few are accepted: {reached:?}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The run came by all of these.
fn came_by(landmarks: &[&str]) {
    let passed = trace::passed();
    let missed: Vec<&&str> = landmarks.iter().filter(|it| !passed.contains(**it)).collect();
    assert!(missed.is_empty(), "missed: {missed:?}");
}

#[test]
fn decode() {
    smoke("decode", 60_000, &Share { read: 20, refused: 1, accepted: 5 });
}

#[test]
fn certificates() {
    smoke("certificates", 40_000, &Share { read: 100, refused: 20, accepted: 20 });
}

#[test]
fn view_changes() {
    smoke("view_changes", 5_000, &Share { read: 100, refused: 20, accepted: 20 });
    came_by(&["a view entered", "a NEW-VIEW refused"]);
}

#[test]
fn chunks() {
    smoke("chunks", 800, &Share { read: 90, refused: 10, accepted: 20 });
}

#[test]
fn journal() {
    smoke("journal", 5_000, &Share { read: 90, refused: 10, accepted: 20 });
    came_by(&["records lost", "silent", "prepared", "a view entered"]);
}

#[test]
fn core() {
    smoke("core", 4_000, &Share { read: 90, refused: 5, accepted: 30 });
    came_by(&["a proposal refused", "a proposal of its own", "prepared", "executed", "equivocation"]);
    came_by(&["a view entered", "a NEW-VIEW refused", "a stable checkpoint", "another state than the agreed one"]);
    came_by(&["a state installed", "something fetched"]);
}

#[test]
fn keys() {
    smoke("keys", 6_000, &Share { read: 30, refused: 10, accepted: 10 });
}
