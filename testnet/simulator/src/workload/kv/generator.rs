//! What simulated clients ask for: few keys, so that they get into each other's way.

use tetrarch_kv::{Command, CommandResult, Expected, Operation, OperationResult};

use crate::rng::Rng;
use crate::workload::Generator;

pub(super) const KEYS: u64 = 6;

/// What a client last saw of the keys: what it compares with.
#[derive(Clone, Debug, Default)]
pub(super) struct FewKeys {
    versions: [u64; KEYS as usize],
    counters: [u64; KEYS as usize],
}

impl Generator for FewKeys {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        let which = rng.index(KEYS as usize);
        let first = operation(rng, self, which);
        let command = match rng.below(3) {
            0 => Command::new([first, Operation::get(key(which))]),
            1 => {
                let other = rng.index(KEYS as usize);
                Command::new([first, operation(rng, self, other), Operation::get(key(which))])
            }
            _ => Command::new([first]),
        };
        command.encode()
    }

    /// Learns from an answer what the keys were like.
    fn learn(&mut self, command: &[u8], result: &[u8]) {
        let Ok(command) = Command::decode(command) else { return };
        let Ok(CommandResult { results: Ok(results), .. }) = CommandResult::decode(result) else { return };
        for (operation, result) in command.operations.iter().zip(results) {
            if let (Operation::Get { key }, Ok(OperationResult::Got { record })) = (operation, result)
                && let Some(which) = key.last().map(|digit| usize::from(digit - b'0'))
            {
                let value = record.as_ref().and_then(|record| record.value.first_chunk::<8>().copied());
                self.versions[which] = record.map_or(0, |record| record.version);
                self.counters[which] = value.map_or(0, u64::from_be_bytes);
            }
        }
    }
}

fn operation(rng: &mut Rng, knowledge: &FewKeys, which: usize) -> Operation {
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

fn key(which: usize) -> Vec<u8> {
    format!("key/{which}").into_bytes()
}
