//! What the store should do, said a second time and simply.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_kv::store::bounds::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use tetrarch_kv::{Command, CommandResult, Context, Expected, KeyRecord, KvError, Operation, OperationResult};

use crate::workload::{Model, Sequential};

/// A store that holds everything in one map and knows only what simulated clients ask for.
#[derive(Clone, Debug)]
pub struct KvModel {
    revision: u64,
    records: BTreeMap<Vec<u8>, KeyRecord>,
}

impl Default for KvModel {
    fn default() -> Self {
        Self { revision: 1, records: BTreeMap::new() }
    }
}

impl Model for KvModel {
    fn execute(&mut self, _: &Context, command: &[u8]) -> Vec<u8> {
        self.carry_out(command)
    }
}

impl KvModel {
    fn carry_out(&mut self, command: &[u8]) -> Vec<u8> {
        let results = match Command::decode(command) {
            Ok(command) => Ok(self.run(command)),
            Err(error) => Err(error),
        };
        CommandResult { revision: self.revision, results }.encode()
    }

    fn run(&mut self, command: Command) -> Vec<Result<OperationResult, KvError>> {
        let (revision, before) = (self.revision + 1, self.records.clone());
        let mut changed = false;
        let mut results = Vec::new();
        for operation in command.operations {
            let (result, did) = self.apply(operation, revision);
            changed |= did;
            results.push(result);
        }
        if changed {
            self.revision = revision;
        } else {
            self.records = before;
        }
        results
    }

    /// One operation's result, and whether it changed something.
    fn apply(&mut self, operation: Operation, revision: u64) -> (Result<OperationResult, KvError>, bool) {
        if let Err(refused) = check(&operation) {
            return (Err(refused), false);
        }
        match operation {
            Operation::Put { key, value } => {
                let version = self.put(key, value, revision);
                (Ok(OperationResult::Put { version }), true)
            }
            Operation::Delete { key } => {
                let existed = self.records.remove(&key).is_some();
                (Ok(OperationResult::Deleted { count: existed.into() }), existed)
            }
            Operation::CompareAndSwap { key, expected, value } => self.swap(key, &expected, value, revision),
            Operation::Get { key } => {
                let record = self.records.get(&key).cloned();
                (Ok(OperationResult::Got { record }), false)
            }
            // No simulated client asks for more.
            Operation::DeletePrefix { .. } | Operation::Range { .. } => (Err(KvError::Malformed), false),
        }
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>, revision: u64) -> u64 {
        let fresh = KeyRecord { value: Vec::new(), create_revision: revision, mod_revision: 0, version: 0, lease: 0 };
        let record = self.records.entry(key).or_insert(fresh);
        record.value = value;
        record.mod_revision = revision;
        record.version += 1;
        record.version
    }

    fn swap(
        &mut self,
        key: Vec<u8>,
        expected: &Expected,
        value: Option<Vec<u8>>,
        revision: u64,
    ) -> (Result<OperationResult, KvError>, bool) {
        let now = self.records.get(&key);
        let numbers = now.map_or((0, 0), |record| (record.mod_revision, record.version));
        let holds = match expected {
            Expected::Absent => now.is_none(),
            Expected::Value(value) => now.is_some_and(|record| record.value == *value),
            Expected::ModRevision(expected) => numbers.0 == *expected,
            Expected::Version(expected) => numbers.1 == *expected,
        };
        let swapped = |succeeded, mod_revision| Ok(OperationResult::Swapped { succeeded, mod_revision });
        match value {
            _ if !holds => (swapped(false, numbers.0), false),
            Some(value) => {
                self.put(key, value, revision);
                (swapped(true, revision), true)
            }
            None => (swapped(true, 0), self.records.remove(&key).is_some()),
        }
    }
}

/// Revisions count the changes to all keys together; a key's version and value are its own.
impl Sequential for KvModel {
    fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        self.carry_out(command)
    }

    fn touches(&self, command: &[u8]) -> BTreeSet<Vec<u8>> {
        let operations = Command::decode(command).map(|command| command.operations).unwrap_or_default();
        let key = |operation| match operation {
            Operation::Put { key, .. }
            | Operation::CompareAndSwap { key, .. }
            | Operation::Delete { key }
            | Operation::Get { key } => Some(key),
            // No simulated client asks for more.
            Operation::DeletePrefix { .. } | Operation::Range { .. } => None,
        };
        operations.into_iter().filter_map(key).collect()
    }

    fn local(&self, result: &[u8]) -> Vec<u8> {
        let Ok(CommandResult { results, .. }) = CommandResult::decode(result) else { return result.to_vec() };
        let results = results.map(|results| results.into_iter().map(|one| one.map(without_revisions)).collect());
        CommandResult { revision: 0, results }.encode()
    }

    fn fingerprint(&self) -> Vec<u8> {
        let records = self.records.iter().map(|(key, record)| (key, record.version, &record.value));
        tetrarch_types::encode(&records.collect::<Vec<_>>())
    }

    fn copy(&self) -> Box<dyn Sequential> {
        Box::new(self.clone())
    }
}

fn without_revisions(result: OperationResult) -> OperationResult {
    match result {
        OperationResult::Swapped { succeeded, .. } => OperationResult::Swapped { succeeded, mod_revision: 0 },
        OperationResult::Got { record } => OperationResult::Got {
            record: record.map(|record| KeyRecord { create_revision: 0, mod_revision: 0, ..record }),
        },
        other => other,
    }
}

/// What no key and no value may be.
fn check(operation: &Operation) -> Result<(), KvError> {
    let (key, value) = match operation {
        Operation::Put { key, value } => (key, value.len()),
        Operation::CompareAndSwap { key, value, .. } => (key, value.as_ref().map_or(0, Vec::len)),
        Operation::Delete { key } | Operation::Get { key } => (key, 0),
        Operation::DeletePrefix { .. } | Operation::Range { .. } => return Ok(()),
    };
    match key.len() {
        0 => Err(KvError::KeyNotProvided),
        length if length > MAX_KEY_BYTES => Err(KvError::KeyTooLong),
        _ if value > MAX_VALUE_BYTES => Err(KvError::ValueTooLarge),
        _ => Ok(()),
    }
}
