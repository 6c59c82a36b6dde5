//! The store against a model so simple that it is right by inspection.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use support::{ask, batch, fresh, only, transaction};
use tetrarch_kv::{Command, CommandResult, Expected, KeyRecord, KvQuery, Operation, OperationResult, Selection};

#[derive(Clone)]
struct Model {
    revision: u64,
    records: BTreeMap<Vec<u8>, KeyRecord>,
}

impl Model {
    fn new() -> Self {
        Self { revision: 1, records: BTreeMap::new() }
    }

    fn execute(&mut self, command: &Command) -> CommandResult {
        let mut changed = false;
        let next = self.revision + 1;
        let results = command.operations.iter().map(|one| Ok(self.operate(one, next, &mut changed))).collect();
        self.revision += u64::from(changed);
        CommandResult { revision: self.revision, results: Ok(results) }
    }

    fn put(&mut self, key: &[u8], value: &[u8], now: u64) -> u64 {
        let blank = KeyRecord { value: vec![], create_revision: now, mod_revision: 0, version: 0, lease: 0 };
        let record = self.records.entry(key.to_vec()).or_insert(blank);
        record.value = value.to_vec();
        record.mod_revision = now;
        record.version += 1;
        record.version
    }

    fn operate(&mut self, operation: &Operation, now: u64, changed: &mut bool) -> OperationResult {
        match operation {
            Operation::Put { key, value } => {
                *changed = true;
                OperationResult::Put { version: self.put(key, value, now) }
            }
            Operation::Delete { key } => self.remove_if(|other| other == key, changed),
            Operation::DeletePrefix { prefix } => self.remove_if(|other| other.starts_with(prefix), changed),
            Operation::CompareAndSwap { key, expected, value } => {
                let found = self.records.get(key);
                let succeeded = match expected {
                    Expected::Absent => found.is_none(),
                    Expected::Value(value) => found.map(|record| &record.value) == Some(value),
                    Expected::ModRevision(number) => found.map_or(0, |record| record.mod_revision) == *number,
                    Expected::Version(number) => found.map_or(0, |record| record.version) == *number,
                };
                if succeeded {
                    *changed |= found.is_some() || value.is_some();
                    self.records
                        .remove(key)
                        .filter(|_| value.is_some())
                        .map(|old| self.records.insert(key.clone(), old));
                    value.as_ref().map(|value| self.put(key, value, now));
                }
                let mod_revision = self.records.get(key).map_or(0, |record| record.mod_revision);
                OperationResult::Swapped { succeeded, mod_revision }
            }
            Operation::Get { key } => OperationResult::Got { record: self.records.get(key).cloned() },
            Operation::Range { from, to, limit } => OperationResult::Range(self.range(from, to, *limit)),
        }
    }

    fn remove_if(&mut self, doomed: impl Fn(&Vec<u8>) -> bool, changed: &mut bool) -> OperationResult {
        let before = self.records.len();
        self.records.retain(|key, _| !doomed(key));
        let count = (before - self.records.len()) as u64;
        *changed |= count > 0;
        OperationResult::Deleted { count }
    }

    fn range(&self, from: &[u8], to: &[u8], limit: u64) -> Selection {
        let inside = |key: &[u8]| key >= from && (to.is_empty() || key < to);
        let all: Vec<_> = self.records.clone().into_iter().filter(|(key, _)| inside(key)).collect();
        let kept = if limit == 0 { all.len() } else { all.len().min(limit as usize) };
        let (count, more) = (all.len() as u64, kept < all.len());
        Selection { records: all.into_iter().take(kept).collect(), count, count_is_exact: true, more }
    }
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0_u8), Just(b'a'), Just(b'b'), Just(255_u8)], 1..4)
}

fn bound() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![key(), Just(Vec::new())]
}

fn small() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0_u8..2, 0..2)
}

fn expected() -> impl Strategy<Value = Expected> {
    prop_oneof![
        Just(Expected::Absent),
        small().prop_map(Expected::Value),
        (0_u64..12).prop_map(Expected::ModRevision),
        (0_u64..4).prop_map(Expected::Version),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (key(), small()).prop_map(|(key, value)| Operation::Put { key, value }),
        1 => key().prop_map(|key| Operation::Delete { key }),
        1 => bound().prop_map(|prefix| Operation::DeletePrefix { prefix }),
        3 => (key(), expected(), prop::option::of(small()))
            .prop_map(|(key, expected, value)| Operation::CompareAndSwap { key, expected, value }),
        1 => key().prop_map(|key| Operation::Get { key }),
        2 => (bound(), bound(), 0_u64..5).prop_map(|(from, to, limit)| Operation::Range { from, to, limit }),
        1 => (bound(), 0_u64..5).prop_map(|(prefix, limit)| Operation::prefix(prefix, limit)),
    ]
}

proptest! {
    #[test]
    fn the_store_does_what_the_model_does(
        commands in prop::collection::vec(prop::collection::vec(operation(), 0..6), 1..12),
        (from, to, limit) in (bound(), bound(), 0_u64..5),
    ) {
        let node = fresh();
        let mut model = Model::new();
        for (seq, operations) in (1..).zip(commands) {
            let command = Command { operations };
            let executed = node.execute(&batch(seq, vec![transaction(1, seq, &command)])).unwrap();
            prop_assert_eq!(only(&executed), model.execute(&command));
        }
        for query in [KvQuery::range(from.clone(), to.clone(), limit), KvQuery::range("", "", 0)] {
            let KvQuery::Range { from, to, limit } = &query else { unreachable!() };
            let (answer, expected) = (ask(&node, &query), model.range(from, to, *limit));
            prop_assert_eq!(answer.revision, model.revision);
            prop_assert_eq!((answer.records, answer.count, answer.count_is_exact, answer.more),
                (expected.records, expected.count, true, expected.more));
        }
    }

    #[test]
    fn the_end_of_a_prefix_bounds_its_keys(prefix in bound(), key in key()) {
        let end = tetrarch_kv::store::prefix_end(&prefix);
        let inside = key >= prefix && (end.is_empty() || key < end);
        prop_assert_eq!(inside, key.starts_with(&prefix));
    }
}
