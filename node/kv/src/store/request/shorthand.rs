//! Short ways to say common requests.

use super::change::{DeleteRangeRequest, PutRequest};
use super::keys::KeyRange;
use super::range::RangeRequest;
use super::txn::{Compare, Comparison, Operation, Target, TxnRequest};
use super::{Command, Request};

/// What a key must be like for a [`compare_and_swap`](Request::compare_and_swap).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is missing.
    Absent,
    /// It has this value.
    Value(Vec<u8>),
    /// It was last put at this revision; 0: it is missing.
    ModRevision(u64),
    /// It was put this many times since it came to be; 0: it is missing.
    Version(u64),
}

impl Expected {
    /// The same as a compare.
    pub fn compare(self, key: impl Into<Vec<u8>>) -> Compare {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let target = match self {
            Self::Absent => Target::Version(0),
            Self::Value(value) => Target::Value(value),
            Self::ModRevision(revision) => Target::Mod(number(revision)),
            Self::Version(version) => Target::Version(number(version)),
        };
        Compare::new(key, Comparison::Equal, target)
    }
}

impl Request {
    /// Sets a key's value.
    pub fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put(PutRequest::new(key, value))
    }

    /// Deletes a key.
    pub fn delete(key: impl Into<Vec<u8>>) -> Self {
        Self::DeleteRange(DeleteRangeRequest::of(KeyRange::one(key)))
    }

    /// Deletes all keys that begin with `prefix`.
    pub fn delete_prefix(prefix: impl Into<Vec<u8>>) -> Self {
        Self::DeleteRange(DeleteRangeRequest::of(KeyRange::prefix(prefix)))
    }

    /// Puts a key, or deletes it if there is no value, if it is as expected. If not, the answer has its record without the value.
    pub fn compare_and_swap(key: impl Into<Vec<u8>>, expected: Expected, value: Option<Vec<u8>>) -> Self {
        let key = key.into();
        match value {
            Some(value) => Self::put_if(expected, PutRequest::new(key, value)),
            None => {
                let delete = Operation::DeleteRange(DeleteRangeRequest::of(KeyRange::one(key.clone())));
                Self::change_if(key, expected, delete)
            }
        }
    }

    /// Puts a key if it is as expected. If not, the answer has its record without the value.
    pub fn put_if(expected: Expected, put: PutRequest) -> Self {
        Self::change_if(put.key.clone(), expected, Operation::Put(put))
    }

    fn change_if(key: Vec<u8>, expected: Expected, then: Operation) -> Self {
        let otherwise = Operation::Range(RangeRequest { keys_only: true, ..RangeRequest::one(key.clone()) });
        Self::Txn(TxnRequest { compares: vec![expected.compare(key)], success: vec![then], failure: vec![otherwise] })
    }

    /// Reads a key, in order.
    pub fn get(key: impl Into<Vec<u8>>) -> Self {
        Self::Range(RangeRequest::one(key))
    }

    /// Reads the keys that begin with `prefix`, in order; 0: all of them.
    pub fn prefix(prefix: impl Into<Vec<u8>>, limit: u64) -> Self {
        Self::Range(RangeRequest::prefix(prefix).limit(limit))
    }
}

impl Command {
    /// Sets one key.
    pub fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Request::put(key, value).into()
    }

    /// Deletes one key.
    pub fn delete(key: impl Into<Vec<u8>>) -> Self {
        Request::delete(key).into()
    }

    /// Deletes all keys that begin with `prefix`.
    pub fn delete_prefix(prefix: impl Into<Vec<u8>>) -> Self {
        Request::delete_prefix(prefix).into()
    }

    /// Puts or deletes one key if it is as expected.
    pub fn compare_and_swap(key: impl Into<Vec<u8>>, expected: Expected, value: Option<Vec<u8>>) -> Self {
        Request::compare_and_swap(key, expected, value).into()
    }

    /// Reads one key.
    pub fn get(key: impl Into<Vec<u8>>) -> Self {
        Request::get(key).into()
    }

    /// Reads the keys that begin with `prefix`; 0: all of them.
    pub fn prefix(prefix: impl Into<Vec<u8>>, limit: u64) -> Self {
        Request::prefix(prefix, limit).into()
    }
}
