//! Whether operations that may run together put one key twice, or put and delete it: a revision must have one event a key.
//!
//! The two lists of a nested transaction never run together. etcd lets one case pass that this store refuses: a key that one
//! nested transaction puts and a later one deletes.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::keys::Span;
use super::txn::Operation;
use crate::store::KvError;

/// What a list of operations may put and delete.
#[derive(Default)]
struct Touched<'o> {
    puts: BTreeSet<&'o [u8]>,
    deletes: Vec<Span>,
}

/// Judges a list of operations, and those nested in it.
pub(super) fn check(operations: &[Operation]) -> Result<(), KvError> {
    touched(operations).map(|_| ())
}

fn touched(operations: &[Operation]) -> Result<Touched<'_>, KvError> {
    let mut all = Touched::default();
    for operation in operations {
        let one = match operation {
            Operation::Range(_) => continue,
            Operation::Put(put) => Touched { puts: BTreeSet::from([put.key.as_slice()]), deletes: Vec::new() },
            Operation::DeleteRange(delete) => Touched { puts: BTreeSet::new(), deletes: vec![delete.range.span()] },
            Operation::Txn(txn) => touched(&txn.success)?.or(touched(&txn.failure)?),
        };
        all = all.and(one)?;
    }
    Ok(all)
}

impl Touched<'_> {
    /// One or the other happens.
    fn or(mut self, other: Self) -> Self {
        self.puts.extend(other.puts);
        self.deletes.extend(other.deletes);
        self
    }

    /// Both happen.
    fn and(self, other: Self) -> Result<Self, KvError> {
        let twice = if self.puts.len() < other.puts.len() {
            self.puts.iter().any(|key| other.puts.contains(key))
        } else {
            other.puts.iter().any(|key| self.puts.contains(key))
        };
        if twice || self.puts_within(&other.deletes) || other.puts_within(&self.deletes) {
            return Err(KvError::DuplicateKey);
        }
        Ok(if self.puts.len() < other.puts.len() { other.or(self) } else { self.or(other) })
    }

    fn puts_within(&self, deletes: &[Span]) -> bool {
        deletes.iter().filter(|span| !span.is_empty()).any(|span| {
            let to = if span.to.is_empty() { Bound::Unbounded } else { Bound::Excluded(span.to.as_slice()) };
            self.puts.range::<[u8], _>((Bound::Included(span.from.as_slice()), to)).next().is_some()
        })
    }
}
