//! What simulated clients ask for: few keys, so that they get into each other's way.

use tetrarch_kv::store::bounds::{MAX_KEY_BYTES, MAX_OPERATIONS};
use tetrarch_kv::{Command, CommandResult, Expected, Operation, OperationResult};
use tetrarch_types::Outcome;

use crate::rng::Rng;

const KEYS: u64 = 6;

/// What a client last saw of the keys: what it compares with.
#[derive(Clone, Debug, Default)]
pub(super) struct Knowledge {
    versions: [u64; KEYS as usize],
    counters: [u64; KEYS as usize],
}

/// Draws the next command.
pub(super) fn draw(rng: &mut Rng, knowledge: &Knowledge) -> Command {
    let which = rng.index(KEYS as usize);
    let first = operation(rng, knowledge, which);
    match rng.below(3) {
        0 => Command::new([first, Operation::get(key(which))]),
        1 => {
            let other = rng.index(KEYS as usize);
            Command::new([first, operation(rng, knowledge, other), Operation::get(key(which))])
        }
        _ => Command::new([first]),
    }
}

fn operation(rng: &mut Rng, knowledge: &Knowledge, which: usize) -> Operation {
    let value = rng.draw().to_be_bytes().to_vec();
    match rng.below(8) {
        0 | 1 => Operation::put(key(which), value),
        2 => Operation::delete(key(which)),
        3 => Operation::compare_and_swap(key(which), Expected::Absent, Some(value)),
        4 => Operation::compare_and_swap(key(which), Expected::Version(knowledge.versions[which]), Some(value)),
        5 => Operation::compare_and_swap(key(which), Expected::Version(knowledge.versions[which]), None),
        // An increment: the number that was read, plus one, if it is still that number.
        _ => {
            let count = knowledge.counters[which];
            let expected = Expected::Value(count.to_be_bytes().to_vec());
            Operation::compare_and_swap(key(which), expected, Some(count.wrapping_add(1).to_be_bytes().to_vec()))
        }
    }
}

/// A command about the same keys, of somebody who has seen nothing of them.
pub(super) fn meddle(rng: &mut Rng) -> Command {
    draw(rng, &Knowledge::default())
}

/// A command about keys that no honest client uses.
pub(super) fn apart(rng: &mut Rng) -> Command {
    Command::put(key_apart(rng), rng.draw().to_be_bytes())
}

/// A command with a large value, about such a key.
pub(super) fn large(rng: &mut Rng, bytes: usize) -> Command {
    Command::put(key_apart(rng), vec![0x5a; bytes])
}

/// The bytes of a command that cannot be read, or that has an operation which cannot be carried out.
pub(super) fn malformed(rng: &mut Rng) -> Vec<u8> {
    let good = apart(rng).encode();
    match rng.below(6) {
        0 => Vec::new(),
        1 => good[..rng.index(good.len())].to_vec(),
        2 => [good.as_slice(), &[0]].concat(),
        3 => (0..rng.between(1, 64)).map(|_| rng.draw() as u8).collect(),
        4 => Command::new(std::iter::repeat_n(Operation::get(key(0)), MAX_OPERATIONS + 1)).encode(),
        _ => {
            let length = rng.one_of([0, MAX_KEY_BYTES + 1]);
            Command::new([Operation::put(vec![b'k'; length], []), Operation::get(key(0))]).encode()
        }
    }
}

/// Learns from an answer what the keys were like.
pub(super) fn learn(knowledge: &mut Knowledge, command: &Command, outcome: &Outcome) {
    let Outcome::Executed(bytes) = outcome else { return };
    let Ok(CommandResult { results: Ok(results), .. }) = CommandResult::decode(bytes) else { return };
    for (operation, result) in command.operations.iter().zip(results) {
        if let (Operation::Get { key }, Ok(OperationResult::Got { record })) = (operation, result)
            && let Some(which) = key.last().map(|digit| usize::from(digit - b'0'))
        {
            let value = record.as_ref().and_then(|record| record.value.first_chunk::<8>().copied());
            knowledge.versions[which] = record.map_or(0, |record| record.version);
            knowledge.counters[which] = value.map_or(0, u64::from_be_bytes);
        }
    }
}

fn key_apart(rng: &mut Rng) -> Vec<u8> {
    format!("apart/{}", rng.below(KEYS)).into_bytes()
}

fn key(which: usize) -> Vec<u8> {
    format!("key/{which}").into_bytes()
}
