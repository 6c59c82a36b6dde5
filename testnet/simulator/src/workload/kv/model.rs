//! What the store should do, by the reference.

use std::collections::BTreeSet;

use tetrarch_kv::{Answered, Command, CommandResult, Context, KeyRange, Operation, Request, Response, Selection};
use tetrarch_reference::{Reference, contains};
use tetrarch_types::Timestamp;

use super::generator::{KEYS, key};
use crate::workload::{Model, Sequential};

/// The reference, for those who know the one order with its times, and for those who see answers alone.
///
/// What depends on time, or on revisions that others make, those who see answers alone cannot judge: a command that has anything to
/// do with leases, compaction or the past touches nothing for them. The generator keeps such commands off the keys of the others.
#[derive(Clone, Debug, Default)]
pub struct KvModel(Reference);

impl Model for KvModel {
    fn begin_batch(&mut self, time: Timestamp) {
        self.0.begin_batch(time.as_micros());
    }

    fn execute(&mut self, context: &Context, command: &[u8]) -> Vec<u8> {
        let result = match Command::decode(command) {
            Ok(command) => self.0.execute(&command, context.time.as_micros()),
            Err(error) => CommandResult { revision: self.0.revision, results: Err(error) },
        };
        result.encode()
    }
}

impl Sequential for KvModel {
    fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        let result = match Command::decode(command) {
            Ok(command) if is_apart(&command) => return Vec::new(),
            Ok(command) => self.0.execute(&command, 0),
            Err(error) => CommandResult { revision: self.0.revision, results: Err(error) },
        };
        self.0.forget();
        result.encode()
    }

    fn touches(&self, command: &[u8]) -> BTreeSet<Vec<u8>> {
        let mut keys = BTreeSet::new();
        if let Some(command) = Command::decode(command).ok().filter(|command| !is_apart(command)) {
            command.requests.iter().for_each(|request| touch(request, &mut keys));
        }
        keys
    }

    fn local(&self, result: &[u8]) -> Vec<u8> {
        let Ok(CommandResult { results, .. }) = CommandResult::decode(result) else { return result.to_vec() };
        let is_apart = |one: &Answered| matches!(one.response, Response::LeaseKept { .. });
        if results.iter().flatten().flatten().any(is_apart) {
            return Vec::new();
        }
        let results = results.map(|results| results.into_iter().map(|one| one.map(without_revisions)).collect());
        CommandResult { revision: 0, results }.encode()
    }

    fn fingerprint(&self) -> Vec<u8> {
        let records = self.0.latest().iter().map(|(key, record)| (key, record.version, &record.value));
        tetrarch_types::encode(&records.collect::<Vec<_>>())
    }

    fn copy(&self) -> Box<dyn Sequential> {
        Box::new(self.clone())
    }
}

/// Whether a command has to do with leases, compaction or the past. The generator begins each of them with a keepalive, which no plain
/// command has.
fn is_apart(command: &Command) -> bool {
    command.requests.iter().any(|request| matches!(request, Request::LeaseKeepAlive { .. }))
}

fn touch(request: &Request, keys: &mut BTreeSet<Vec<u8>>) {
    match request {
        Request::Range(read) => touch_range(&read.range, keys),
        Request::Put(put) => drop(keys.insert(put.key.clone())),
        Request::DeleteRange(delete) => touch_range(&delete.range, keys),
        Request::Txn(txn) => {
            txn.compares.iter().for_each(|compare| touch_range(&compare.range, keys));
            txn.success.iter().chain(&txn.failure).for_each(|operation| touch_operation(operation, keys));
        }
        _ => {}
    }
}

fn touch_operation(operation: &Operation, keys: &mut BTreeSet<Vec<u8>>) {
    match operation {
        Operation::Range(read) => touch_range(&read.range, keys),
        Operation::Put(put) => drop(keys.insert(put.key.clone())),
        Operation::DeleteRange(delete) => touch_range(&delete.range, keys),
        Operation::Txn(txn) => touch(&Request::Txn(txn.clone()), keys),
    }
}

/// No other keys than these are asked for by range.
fn touch_range(range: &KeyRange, keys: &mut BTreeSet<Vec<u8>>) {
    if range.is_one() {
        keys.insert(range.key.clone());
    }
    keys.extend((0..KEYS).map(key).filter(|key| contains(range, key)));
}

fn without_revisions(Answered { response, .. }: Answered) -> Answered {
    let bare = |mut pair: tetrarch_kv::store::Pair| {
        (pair.1.create_revision, pair.1.mod_revision) = (0, 0);
        pair
    };
    let response = match response {
        Response::Range(found) => {
            Response::Range(Selection { records: found.records.into_iter().map(bare).collect(), ..found })
        }
        Response::Put { version, previous } => Response::Put { version, previous: previous.map(bare) },
        Response::Deleted { count, previous } => {
            Response::Deleted { count, previous: previous.into_iter().map(bare).collect() }
        }
        Response::Txn(mut txn) => {
            txn.responses = txn.responses.into_iter().map(without_revisions).collect();
            Response::Txn(txn)
        }
        other => other,
    };
    Answered { revision: 0, response }
}
