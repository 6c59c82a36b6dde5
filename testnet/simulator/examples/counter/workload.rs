//! The service as the harness sees it.

use std::collections::BTreeMap;

use tetrarch_kv::{Context, StateMachine};
use tetrarch_simulator::{Generator, Model, Rng, Workload};
use tetrarch_storage::{Direction, Reader};

use crate::machine::{COUNTERS, Command, SUM, SUM_KEY, get};

/// The counters of the simulated shop.
const NAMES: [&str; 6] = ["bread", "cheese", "coffee", "milk", "sugar", "tea"];

/// More counters than the clients ever name.
const MANY: usize = 100;

/// Counters, in one version of the machine or another.
pub(crate) struct CounterWorkload {
    /// Makes that version.
    pub(crate) machine: fn() -> Box<dyn StateMachine>,
}

impl Workload for CounterWorkload {
    fn machine(&self) -> Box<dyn StateMachine> {
        (self.machine)()
    }

    fn generator(&self, _client: usize) -> Box<dyn Generator> {
        Box::new(Shopper)
    }

    fn model(&self) -> Box<dyn Model> {
        Box::new(Shelf::default())
    }

    fn check(&self, state: &dyn Reader) -> Result<(), String> {
        let rows = state.scan(COUNTERS, &[], &[], Direction::Ascending, MANY).map_err(|error| error.to_string())?;
        let counts = rows.into_iter().map(|(_, count)| u64::from_be_bytes(count.try_into().unwrap_or_default()));
        let (counted, sum) = (counts.sum::<u64>(), get(state, SUM, SUM_KEY).map_err(|error| error.to_string())?);
        if counted == sum { Ok(()) } else { Err(format!("the counters come to {counted}, and {sum} was added")) }
    }
}

/// A client that wants whatever there is.
struct Shopper;

impl Generator for Shopper {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        let (one, other) = (rng.one_of(NAMES), rng.one_of(NAMES));
        let by = rng.between(0, 9);
        let command = match rng.below(8) {
            0..2 => format!("add {one} {by}"),
            2 => format!("move {one} {other} {by}"),
            3..7 => format!("read {one}"),
            _ => format!("steal {one}"),
        };
        command.into_bytes()
    }
}

/// The same service, said again: no tables, no bytes.
#[derive(Default)]
struct Shelf(BTreeMap<String, u64>);

impl Model for Shelf {
    fn execute(&mut self, _: &Context, command: &[u8]) -> Vec<u8> {
        let Some(command) = Command::parse(command) else { return b"no such command".to_vec() };
        let answer = match command {
            Command::Add { name, by } => {
                let count = self.0.entry(name).or_default();
                *count += by;
                count.to_string()
            }
            Command::Move { from, by, .. } if self.0.get(&from).copied().unwrap_or_default() < by => {
                "too little".to_owned()
            }
            Command::Move { from, to, by } => {
                *self.0.entry(from).or_default() -= by;
                *self.0.entry(to).or_default() += by;
                "moved".to_owned()
            }
            Command::Read { name } => self.0.get(&name).copied().unwrap_or_default().to_string(),
        };
        answer.into_bytes()
    }
}
