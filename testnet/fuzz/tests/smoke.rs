//! A bounded run of every target: the same seeded inputs every time, and how far they get.
#![allow(clippy::print_stdout, reason = "how many inputs ran is worth knowing")]

use std::collections::BTreeMap;

use tetrarch_fuzz::inputs::Inputs;
use tetrarch_fuzz::{Reach, targets};

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

#[test]
fn decode() {
    smoke("decode", 60_000, &Share { read: 20, refused: 1, accepted: 5 });
}

#[test]
fn certificates() {
    smoke("certificates", 60_000, &Share { read: 100, refused: 20, accepted: 10 });
}

#[test]
fn core() {
    smoke("core", 5_000, &Share { read: 90, refused: 5, accepted: 30 });
}

#[test]
fn view_changes() {
    smoke("view_changes", 8_000, &Share { read: 100, refused: 20, accepted: 10 });
}

#[test]
fn keys() {
    smoke("keys", 8_000, &Share { read: 30, refused: 10, accepted: 10 });
}

#[test]
fn chunks() {
    smoke("chunks", 1_000, &Share { read: 90, refused: 1, accepted: 20 });
}

#[test]
fn journal() {
    smoke("journal", 5_000, &Share { read: 90, refused: 10, accepted: 20 });
}
