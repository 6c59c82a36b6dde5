//! What came of it.

use serde_json::{Value, json};
use tetrarch_kv::{Answered, CommandResult, KeyRecord, KvError, Response};
use tetrarch_types::Outcome;

use super::{lease, quoted, record, records};

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

/// What came of a transaction, for people, a line a request.
pub(crate) fn outcome_lines(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Executed(bytes) => match CommandResult::decode(bytes) {
            Ok(CommandResult { results: Ok(results), .. }) => results.iter().map(line).collect(),
            Ok(CommandResult { results: Err(error), .. }) => vec![format!("refused: {error}")],
            Err(_) => vec![format!("{} bytes that are no result of this store", bytes.len())],
        },
        Outcome::Expired => vec!["not executed: it had expired".into()],
        Outcome::ValidTooLong => vec!["not executed: it was valid for too long".into()],
    }
}

fn command_result(result: &CommandResult) -> Value {
    match &result.results {
        Ok(results) => {
            let results: Value = results.iter().map(one).collect();
            json!({ "revision": result.revision, "results": results })
        }
        Err(error) => json!({ "revision": result.revision, "error": error.to_string() }),
    }
}

fn one(result: &Result<Answered, KvError>) -> Value {
    match result {
        Ok(answered) => response(answered),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// What came of a transaction's operations.
pub(crate) fn responses(of: &Response) -> Value {
    match of {
        Response::Txn(txn) => txn.responses.iter().map(response).collect(),
        _ => Value::Array(Vec::new()),
    }
}

fn response(answered: &Answered) -> Value {
    let mut object = match &answered.response {
        Response::Put { version, previous } => with_previous(json!({ "version": version }), previous.as_slice()),
        Response::Deleted { count, previous } => with_previous(json!({ "deleted": count }), previous),
        Response::Range(found) => {
            json!({ "kvs": records(&found.records), "count": found.count, "more": found.more })
        }
        Response::Txn(txn) => {
            json!({ "succeeded": txn.succeeded, "responses": txn.responses.iter().map(response).collect::<Value>() })
        }
        Response::Compacted => json!({ "compacted": true }),
        Response::LeaseGranted { id, ttl } | Response::LeaseKept { id, ttl } => {
            json!({ "lease": lease(*id), "ttl": ttl })
        }
        Response::LeaseRevoked => json!({ "revoked": true }),
        Response::PrimaryAsked => json!({ "asked": true }),
    };
    object["revision"] = answered.revision.into();
    object
}

fn with_previous(mut object: Value, previous: &[(Vec<u8>, KeyRecord)]) -> Value {
    if !previous.is_empty() {
        object["previous"] = previous.iter().map(|(key, it)| record(key, it)).collect();
    }
    object
}

fn line(result: &Result<Answered, KvError>) -> String {
    match result {
        Ok(answered) => response_line(&answered.response),
        Err(error) => format!("refused: {error}"),
    }
}

/// What came of one request, for people.
pub(crate) fn response_line(response: &Response) -> String {
    match (response.swapped(), response) {
        (Some(Ok(())), _) => "it was as expected, and is changed".into(),
        (Some(Err(_)), _) => "it was not as expected, and is not changed".into(),
        (None, Response::Put { version, .. }) => format!("put, now version {version}"),
        (None, Response::Deleted { count, .. }) => format!("{count} deleted"),
        (None, Response::Range(found)) => match found.records.as_slice() {
            [] if found.count == 0 => "no such key".into(),
            [(_, record)] => format!("{} (revision {})", quoted(&record.value), record.mod_revision),
            _ => format!("{} keys", found.count),
        },
        (None, Response::Txn(txn)) => {
            let held = if txn.succeeded { "the compares held" } else { "the compares did not hold" };
            let lines: Vec<_> = txn.responses.iter().map(|answered| response_line(&answered.response)).collect();
            format!("{held}: {}", if lines.is_empty() { "nothing to do".into() } else { lines.join(", ") })
        }
        (None, Response::Compacted) => "compacted".into(),
        (None, Response::LeaseGranted { id, ttl }) => format!("lease {id:x} granted for {ttl} seconds"),
        (None, Response::LeaseRevoked) => "revoked".into(),
        (None, Response::PrimaryAsked) => "the primary is asked to give way".into(),
        (None, Response::LeaseKept { ttl: 0, .. }) => "no such lease".into(),
        (None, Response::LeaseKept { id, ttl }) => format!("lease {id:x} lives {ttl} seconds from now"),
    }
}
