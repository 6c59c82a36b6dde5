//! The store's commands and results, as JSON and as lines for people.

mod requests;
mod results;

use base64ct::{Base64, Encoding};
pub(crate) use requests::{command, command_lines, request_name};
pub(crate) use results::{outcome, outcome_lines, response_line, responses};
use serde_json::{Map, Value};
use tetrarch_kv::KeyRecord;
use tetrarch_types::{CheckpointCertificate, Membership, ReplicaId};

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

/// A key alone.
pub(crate) fn named_key(key: &[u8]) -> Value {
    let mut object = Map::new();
    put_bytes(&mut object, "key", key);
    Value::Object(object)
}

/// A key and its record.
pub(crate) fn record(key: &[u8], record: &KeyRecord) -> Value {
    let mut object = Map::new();
    put_bytes(&mut object, "key", key);
    put_bytes(&mut object, "value", &record.value);
    object.insert("create_revision".into(), record.create_revision.into());
    object.insert("mod_revision".into(), record.mod_revision.into());
    object.insert("version".into(), record.version.into());
    object.insert("lease".into(), lease(record.lease));
    Value::Object(object)
}

/// Keys and their records.
pub(crate) fn records(records: &[(Vec<u8>, KeyRecord)]) -> Value {
    records.iter().map(|(key, it)| record(key, it)).collect()
}

/// A lease's id, in hexadecimal as etcd's tools have it.
pub(crate) fn lease(id: u64) -> Value {
    format!("{id:x}").into()
}

/// Reads a lease's id, as etcd's tools write it.
pub(crate) fn lease_id(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text, 16).map_err(|_| "a lease's id is a hexadecimal number".to_owned())
}
