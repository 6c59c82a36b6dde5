//! The store's commands and results, as JSON and as lines for people.

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value, json};
use tetrarch_kv::{Command, CommandResult, Expected, KeyRecord, KvError, Operation, OperationResult};
use tetrarch_types::{CheckpointCertificate, Membership, Outcome, ReplicaId};

/// Puts bytes into an object as text, and, where they are not UTF-8, the exact bytes beside it as `<name>_base64`.
pub(crate) fn put_bytes(object: &mut Map<String, Value>, name: &str, bytes: &[u8]) {
    object.insert(name.into(), String::from_utf8_lossy(bytes).into());
    if std::str::from_utf8(bytes).is_err() {
        object.insert(format!("{name}_base64"), Base64::encode_string(bytes).into());
    }
}

/// Bytes for people: quoted text, or base64 where they are not UTF-8.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("base64:{}", Base64::encode_string(bytes)),
    }
}

/// Replicas for people: `0, 1, 3`.
pub(crate) fn replicas(ids: &[ReplicaId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Replicas as bare numbers.
pub(crate) fn replica_numbers(ids: &[ReplicaId]) -> Vec<u16> {
    ids.iter().map(|id| id.get()).collect()
}

/// Who signed a checkpoint.
pub(crate) fn signers(certificate: &CheckpointCertificate) -> Vec<ReplicaId> {
    certificate.votes.iter().map(|(replica, _)| *replica).collect()
}

/// A checkpoint's certificate for people, and how many signatures make one.
pub(crate) fn checkpoint_lines(certificate: &CheckpointCertificate, membership: &Membership) -> [String; 3] {
    let (needed, by) = (membership.quorum(), replicas(&signers(certificate)));
    [
        format!("checkpoint {}", certificate.seq),
        format!("state root {}", certificate.state_root),
        format!("signed by replicas {by}; {needed} of {} are needed", membership.size()),
    ]
}

/// A key and its record.
pub(crate) fn record(key: &[u8], record: &KeyRecord) -> Value {
    let mut object = Map::new();
    put_bytes(&mut object, "key", key);
    put_bytes(&mut object, "value", &record.value);
    object.insert("create_revision".into(), record.create_revision.into());
    object.insert("mod_revision".into(), record.mod_revision.into());
    object.insert("version".into(), record.version.into());
    object.insert("lease".into(), format!("{:x}", record.lease).into());
    Value::Object(object)
}

/// Keys and their records.
pub(crate) fn records(records: &[(Vec<u8>, KeyRecord)]) -> Value {
    records.iter().map(|(key, it)| record(key, it)).collect()
}

/// A command's bytes: its operations, or the bytes in hexadecimal where they are no command of this store.
pub(crate) fn command(bytes: &[u8]) -> Value {
    match Command::decode(bytes) {
        Ok(command) => json!({ "operations": command.operations.iter().map(operation).collect::<Value>() }),
        Err(_) => json!({ "undecoded": hex::encode(bytes) }),
    }
}

/// A command's bytes for people, a line an operation.
pub(crate) fn command_lines(bytes: &[u8]) -> Vec<String> {
    match Command::decode(bytes) {
        Ok(command) => command.operations.iter().map(operation_line).collect(),
        Err(_) => vec![format!("{} bytes that are no command of this store", bytes.len())],
    }
}

fn operation(operation: &Operation) -> Value {
    let mut object = Map::new();
    let mut named = |op: &str, fields: &[(&str, &[u8])]| {
        object.insert("op".into(), op.into());
        fields.iter().for_each(|(name, bytes)| put_bytes(&mut object, name, bytes));
    };
    match operation {
        Operation::Put { key, value } => named("put", &[("key", key), ("value", value)]),
        Operation::Delete { key } => named("delete", &[("key", key)]),
        Operation::DeletePrefix { prefix } => named("delete_prefix", &[("prefix", prefix)]),
        Operation::Get { key } => named("get", &[("key", key)]),
        Operation::Range { from, to, limit } => {
            named("range", &[("from", from), ("to", to)]);
            object.insert("limit".into(), (*limit).into());
        }
        Operation::CompareAndSwap { key, expected: wanted, value } => {
            named("compare_and_swap", &[("key", key)]);
            object.insert("expected".into(), expected(wanted));
            match value {
                Some(value) => put_bytes(&mut object, "value", value),
                None => drop(object.insert("value".into(), Value::Null)),
            }
        }
    }
    Value::Object(object)
}

fn expected(expected: &Expected) -> Value {
    let mut object = Map::new();
    match expected {
        Expected::Absent => drop(object.insert("absent".into(), true.into())),
        Expected::Value(value) => put_bytes(&mut object, "value", value),
        Expected::ModRevision(revision) => drop(object.insert("mod_revision".into(), (*revision).into())),
        Expected::Version(version) => drop(object.insert("version".into(), (*version).into())),
    }
    Value::Object(object)
}

/// One operation for people.
pub(crate) fn operation_line(operation: &Operation) -> String {
    match operation {
        Operation::Put { key, value } => format!("put {} = {}", quoted(key), quoted(value)),
        Operation::Delete { key } => format!("delete {}", quoted(key)),
        Operation::DeletePrefix { prefix } => format!("delete all below {}", quoted(prefix)),
        Operation::Get { key } => format!("get {}", quoted(key)),
        Operation::Range { from, to, limit: 0 } => format!("get from {} up to {}", quoted(from), quoted(to)),
        Operation::Range { from, to, limit } => format!("get {limit} from {} up to {}", quoted(from), quoted(to)),
        Operation::CompareAndSwap { key, expected, value } => {
            let change = match value {
                Some(value) => format!("put {} = {}", quoted(key), quoted(value)),
                None => format!("delete {}", quoted(key)),
            };
            format!("{change} if {}", expected_words(expected))
        }
    }
}

/// An operation for messages: values may have a megabyte and need not be repeated.
pub(crate) fn operation_name(operation: &Operation) -> String {
    let (verb, key) = match operation {
        Operation::Put { key, .. } | Operation::CompareAndSwap { key, value: Some(_), .. } => ("put", key),
        Operation::Delete { key } | Operation::CompareAndSwap { key, .. } => ("delete", key),
        Operation::DeletePrefix { prefix } => ("delete the keys with the prefix", prefix),
        Operation::Get { key } => ("get", key),
        Operation::Range { from, .. } => ("get the keys from", from),
    };
    let name = quoted(key);
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{verb} {}…", name.get(..end).unwrap_or_default()),
        None => format!("{verb} {name}"),
    }
}

/// Characters of a key in a message.
const LONGEST_NAME: usize = 60;

fn expected_words(expected: &Expected) -> String {
    match expected {
        Expected::Absent => "it is absent".into(),
        Expected::Value(value) => format!("its value is {}", quoted(value)),
        Expected::ModRevision(revision) => format!("its revision is {revision}"),
        Expected::Version(version) => format!("its version is {version}"),
    }
}

/// What came of a transaction.
pub(crate) fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Executed(bytes) => match CommandResult::decode(bytes) {
            Ok(result) => json!({ "executed": command_result(&result) }),
            Err(_) => json!({ "executed": { "undecoded": hex::encode(bytes) } }),
        },
        Outcome::Expired => json!("expired"),
        Outcome::ValidTooLong => json!("valid_too_long"),
    }
}

fn command_result(result: &CommandResult) -> Value {
    match &result.results {
        Ok(results) => {
            let results: Value = results.iter().map(operation_result).collect();
            json!({ "revision": result.revision, "results": results })
        }
        Err(error) => json!({ "revision": result.revision, "error": error.to_string() }),
    }
}

fn operation_result(result: &Result<OperationResult, KvError>) -> Value {
    match result {
        Ok(OperationResult::Put { version }) => json!({ "version": version }),
        Ok(OperationResult::Deleted { count }) => json!({ "deleted": count }),
        Ok(OperationResult::Swapped { succeeded, mod_revision }) => {
            json!({ "succeeded": succeeded, "mod_revision": mod_revision })
        }
        Ok(OperationResult::Got { record: found }) => {
            json!({ "kv": found.as_ref().map(|it| { let mut kv = record(&[], it); drop_key(&mut kv); kv }) })
        }
        Ok(OperationResult::Range(selection)) => {
            json!({ "kvs": records(&selection.records), "count": selection.count, "more": selection.more })
        }
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// The result of a get does not repeat its key.
fn drop_key(kv: &mut Value) {
    if let Some(object) = kv.as_object_mut() {
        object.remove("key");
    }
}

/// What came of a transaction, for people, a line an operation.
pub(crate) fn outcome_lines(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Executed(bytes) => match CommandResult::decode(bytes) {
            Ok(CommandResult { results: Ok(results), .. }) => results.iter().map(result_line).collect(),
            Ok(CommandResult { results: Err(error), .. }) => vec![format!("refused: {error}")],
            Err(_) => vec![format!("{} bytes that are no result of this store", bytes.len())],
        },
        Outcome::Expired => vec!["not executed: it had expired".into()],
        Outcome::ValidTooLong => vec!["not executed: it was valid for too long".into()],
    }
}

fn result_line(result: &Result<OperationResult, KvError>) -> String {
    match result {
        Ok(OperationResult::Put { version }) => format!("put, now version {version}"),
        Ok(OperationResult::Deleted { count }) => format!("{count} deleted"),
        Ok(OperationResult::Swapped { succeeded: true, .. }) => "it was as expected, and is changed".into(),
        Ok(OperationResult::Swapped { succeeded: false, .. }) => "it was not as expected, and is not changed".into(),
        Ok(OperationResult::Got { record: Some(record) }) => {
            format!("{} (revision {})", quoted(&record.value), record.mod_revision)
        }
        Ok(OperationResult::Got { record: None }) => "no such key".into(),
        Ok(OperationResult::Range(selection)) => format!("{} keys", selection.count),
        Err(error) => format!("refused: {error}"),
    }
}
