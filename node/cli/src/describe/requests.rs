//! What is asked.

use serde_json::{Map, Value, json};
use tetrarch_kv::{
    Command, Compare, Comparison, DeleteRangeRequest, KeyRange, Operation, PutRequest, RangeRequest, Request, Target,
    TxnRequest,
};

use super::{lease, put_bytes, quoted};

/// Characters of a key in a message.
const LONGEST_NAME: usize = 60;

/// A command's bytes: its requests, or the bytes in hexadecimal where they are no command of this store.
pub(crate) fn command(bytes: &[u8]) -> Value {
    match Command::decode(bytes) {
        Ok(command) => json!({ "operations": command.requests.iter().map(request).collect::<Value>() }),
        Err(_) => json!({ "undecoded": hex::encode(bytes) }),
    }
}

/// A command's bytes for people, a line a request.
pub(crate) fn command_lines(bytes: &[u8]) -> Vec<String> {
    match Command::decode(bytes) {
        Ok(command) => command.requests.iter().map(line).collect(),
        Err(_) => vec![format!("{} bytes that are no command of this store", bytes.len())],
    }
}

/// A request for messages: values may have a megabyte and need not be repeated.
pub(crate) fn request_name(request: &Request) -> String {
    let (verb, key) = match request {
        Request::Range(read) => ("get", &read.range),
        Request::DeleteRange(delete) => ("delete", &delete.range),
        Request::Put(put) => return short(&format!("put {}", quoted(&put.key))),
        Request::Txn(TxnRequest { success, .. }) => match success.as_slice() {
            [Operation::Put(put)] => return short(&format!("put {}", quoted(&put.key))),
            [Operation::DeleteRange(delete)] => ("delete", &delete.range),
            _ => return "run the transaction".into(),
        },
        Request::Compact { revision } => return format!("compact at {revision}"),
        Request::LeaseGrant { .. } => return "grant a lease".into(),
        Request::LeaseRevoke { id } => return format!("revoke the lease {id:x}"),
        Request::LeaseKeepAlive { id } => return format!("keep the lease {id:x} alive"),
        Request::MovePrimary { view } => return format!("have the primary of view {view} give way"),
    };
    short(&format!("{verb} {}", keys(key)))
}

fn short(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

fn request(request: &Request) -> Value {
    match request {
        Request::Range(read) => range(read),
        Request::Put(one) => put(one),
        Request::DeleteRange(one) => delete(one),
        Request::Txn(one) => txn(one),
        Request::Compact { revision } => json!({ "op": "compact", "revision": revision }),
        Request::LeaseGrant { id, ttl } => json!({ "op": "lease_grant", "lease": lease(*id), "ttl": ttl }),
        Request::LeaseRevoke { id } => json!({ "op": "lease_revoke", "lease": lease(*id) }),
        Request::LeaseKeepAlive { id } => json!({ "op": "lease_keep_alive", "lease": lease(*id) }),
        Request::MovePrimary { view } => json!({ "op": "move_primary", "view": view.get() }),
    }
}

fn operation(operation: &Operation) -> Value {
    match operation {
        Operation::Range(read) => range(read),
        Operation::Put(one) => put(one),
        Operation::DeleteRange(one) => delete(one),
        Operation::Txn(one) => txn(one),
    }
}

fn range(request: &RangeRequest) -> Value {
    let mut object = named("get", &request.range);
    for (name, number) in [("limit", request.limit), ("revision", request.revision)] {
        if number != 0 {
            object.insert(name.into(), number.into());
        }
    }
    Value::Object(object)
}

fn put(request: &PutRequest) -> Value {
    let mut object = named("put", &KeyRange::one(request.key.clone()));
    if !request.ignore_value {
        put_bytes(&mut object, "value", &request.value);
    }
    if request.lease != 0 {
        object.insert("lease".into(), lease(request.lease));
    }
    for (name, flag) in [("ignore_value", request.ignore_value), ("ignore_lease", request.ignore_lease)] {
        if flag {
            object.insert(name.into(), true.into());
        }
    }
    Value::Object(object)
}

fn delete(request: &DeleteRangeRequest) -> Value {
    Value::Object(named("delete", &request.range))
}

fn txn(request: &TxnRequest) -> Value {
    let list = |operations: &[Operation]| operations.iter().map(operation).collect::<Value>();
    json!({
        "op": "txn",
        "compares": request.compares.iter().map(compare).collect::<Value>(),
        "success": list(&request.success),
        "failure": list(&request.failure),
    })
}

fn compare(compare: &Compare) -> Value {
    let mut object = named("compare", &compare.range);
    object.insert("result".into(), sign(compare.result).into());
    match &compare.target {
        Target::Version(number) => drop(object.insert("version".into(), (*number).into())),
        Target::Create(number) => drop(object.insert("create_revision".into(), (*number).into())),
        Target::Mod(number) => drop(object.insert("mod_revision".into(), (*number).into())),
        Target::Value(value) => put_bytes(&mut object, "value", value),
        Target::Lease(id) => drop(object.insert("lease".into(), lease(*id))),
    }
    Value::Object(object)
}

fn named(op: &str, range: &KeyRange) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("op".into(), op.into());
    put_bytes(&mut object, "key", &range.key);
    if !range.is_one() {
        put_bytes(&mut object, "range_end", &range.end);
    }
    object
}

const fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::Greater => ">",
        Comparison::Less => "<",
        Comparison::NotEqual => "!=",
    }
}

fn line(request: &Request) -> String {
    match request {
        Request::Range(read) => range_line(read),
        Request::Put(one) => put_line(one),
        Request::DeleteRange(one) => format!("delete {}", keys(&one.range)),
        Request::Txn(one) => txn_line(one),
        other => request_name(other),
    }
}

fn operation_line(operation: &Operation) -> String {
    match operation {
        Operation::Range(read) => range_line(read),
        Operation::Put(one) => put_line(one),
        Operation::DeleteRange(one) => format!("delete {}", keys(&one.range)),
        Operation::Txn(one) => format!("({})", txn_line(one)),
    }
}

fn range_line(request: &RangeRequest) -> String {
    let limit = if request.limit == 0 { String::new() } else { format!(" {} from", request.limit) };
    let at = if request.revision == 0 { String::new() } else { format!(" at revision {}", request.revision) };
    format!("get{limit} {}{at}", keys(&request.range))
}

fn put_line(request: &PutRequest) -> String {
    let value = if request.ignore_value { "its value".into() } else { quoted(&request.value) };
    let lease = if request.lease == 0 { String::new() } else { format!(" with lease {:x}", request.lease) };
    format!("put {} = {value}{lease}", quoted(&request.key))
}

fn txn_line(request: &TxnRequest) -> String {
    let list = |operations: &[Operation]| match operations {
        [] => "do nothing".to_owned(),
        operations => operations.iter().map(operation_line).collect::<Vec<_>>().join(", "),
    };
    if request.compares.is_empty() {
        return list(&request.success);
    }
    let compares: Vec<_> = request.compares.iter().map(compare_words).collect();
    format!("if {} {}, else {}", compares.join(" and "), list(&request.success), list(&request.failure))
}

fn compare_words(compare: &Compare) -> String {
    let (of, with) = match &compare.target {
        Target::Version(number) => ("version", number.to_string()),
        Target::Create(number) => ("create revision", number.to_string()),
        Target::Mod(number) => ("revision", number.to_string()),
        Target::Value(value) => ("value", quoted(value)),
        Target::Lease(id) => ("lease", format!("{id:x}")),
    };
    format!("the {of} of {} {} {with}", keys(&compare.range), sign(compare.result))
}

/// Which keys, for people.
fn keys(range: &KeyRange) -> String {
    match range.end.as_slice() {
        [] => quoted(&range.key),
        [0] if range.key == [0] => "all keys".into(),
        [0] => format!("the keys from {}", quoted(&range.key)),
        _ if *range == KeyRange::prefix(range.key.clone()) => {
            format!("the keys with the prefix {}", quoted(&range.key))
        }
        end => format!("the keys from {} up to {}", quoted(&range.key), quoted(end)),
    }
}
