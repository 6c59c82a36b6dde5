//! What is refused for its own sake.

use tetrarch_kv::{DeleteRangeRequest, KeyRange, KvError, Operation, PutRequest, Request, TxnRequest};

use super::range::contains;

pub(super) fn request(request: &Request) -> Result<(), KvError> {
    match request {
        Request::Range(read) => range(&read.range),
        Request::Put(one) => put(one),
        Request::DeleteRange(delete) => range(&delete.range),
        Request::Txn(one) => {
            txn(one)?;
            [&one.success, &one.failure].into_iter().try_for_each(|list| overlaps(list))
        }
        Request::LeaseGrant { id: 0, .. } => Err(KvError::LeaseNotFound),
        Request::LeaseGrant { ttl, .. } if *ttl > 9_000_000_000 => Err(KvError::LeaseTtlTooLarge),
        _ => Ok(()),
    }
}

/// The bytes of the longest key and of the largest value.
const LONGEST: usize = 4_096;
const LARGEST: usize = 1_048_576;

fn range(range: &KeyRange) -> Result<(), KvError> {
    // What lies behind the longest key can be said, but is none.
    let longest = if range.end.is_empty() { LONGEST } else { LONGEST + 1 };
    match range.key.len() {
        0 => Err(KvError::KeyNotProvided),
        key if key > longest || range.end.len() > LONGEST + 1 => Err(KvError::KeyTooLong),
        _ => Ok(()),
    }
}

fn put(put: &PutRequest) -> Result<(), KvError> {
    match put {
        PutRequest { key, .. } if key.is_empty() => Err(KvError::KeyNotProvided),
        PutRequest { key, .. } if key.len() > LONGEST => Err(KvError::KeyTooLong),
        PutRequest { ignore_value: true, value, .. } if !value.is_empty() => Err(KvError::ValueProvided),
        PutRequest { ignore_lease: true, lease, .. } if *lease != 0 => Err(KvError::LeaseProvided),
        PutRequest { value, .. } if value.len() > LARGEST => Err(KvError::ValueTooLarge),
        _ => Ok(()),
    }
}

fn txn(txn: &TxnRequest) -> Result<(), KvError> {
    txn.compares.iter().try_for_each(|compare| range(&compare.range))?;
    txn.success.iter().chain(&txn.failure).try_for_each(|operation| match operation {
        Operation::Range(read) => range(&read.range),
        Operation::Put(one) => put(one),
        Operation::DeleteRange(delete) => range(&delete.range),
        Operation::Txn(nested) => self::txn(nested),
    })
}

/// Every way in which the list may run is written out, and every pair of it looked at.
fn overlaps(operations: &[Operation]) -> Result<(), KvError> {
    let clash = |way: &Vec<Write<'_>>| {
        way.iter().enumerate().any(|(at, one)| way.iter().skip(at + 1).any(|other| clashes(one, other)))
    };
    if ways(operations).iter().any(clash) { Err(KvError::DuplicateKey) } else { Ok(()) }
}

#[derive(Clone, Copy)]
enum Write<'w> {
    Put(&'w PutRequest),
    Delete(&'w DeleteRangeRequest),
}

fn clashes(one: &Write<'_>, other: &Write<'_>) -> bool {
    match (one, other) {
        (Write::Put(one), Write::Put(other)) => one.key == other.key,
        (Write::Put(put), Write::Delete(delete)) | (Write::Delete(delete), Write::Put(put)) => {
            contains(&delete.range, &put.key)
        }
        (Write::Delete(_), Write::Delete(_)) => false,
    }
}

fn ways(operations: &[Operation]) -> Vec<Vec<Write<'_>>> {
    let mut all = vec![Vec::new()];
    for operation in operations {
        let then = match operation {
            Operation::Range(_) => continue,
            Operation::Put(put) => vec![vec![Write::Put(put)]],
            Operation::DeleteRange(delete) => vec![vec![Write::Delete(delete)]],
            Operation::Txn(txn) => [ways(&txn.success), ways(&txn.failure)].concat(),
        };
        all = all.iter().flat_map(|way| then.iter().map(move |more| [way.as_slice(), more].concat())).collect();
    }
    all
}
