//! Tables in memory, without a lock: what both the memory store and the faulty store are made of.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::store::{Direction, Pair};
use crate::{Operation, Table};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Default, Debug)]
pub(crate) struct Tables(BTreeMap<Table, Rows>);

impl Tables {
    pub(crate) fn apply(&mut self, operations: impl IntoIterator<Item = Operation>) {
        for operation in operations {
            self.apply_one(operation);
        }
    }

    fn apply_one(&mut self, operation: Operation) {
        let rows = self.0.entry(operation.table()).or_default();
        match operation {
            Operation::Put { key, value, .. } => {
                rows.insert(key, value);
            }
            Operation::Delete { key, .. } => {
                rows.remove(&key);
            }
            Operation::DeleteRange { from, to, .. } => remove_range(rows, &from, &to),
        }
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Option<&Vec<u8>> {
        self.0.get(&table)?.get(key)
    }

    pub(crate) fn get_mut(&mut self, table: Table, key: &[u8]) -> Option<&mut Vec<u8>> {
        self.0.get_mut(&table)?.get_mut(key)
    }

    pub(crate) fn scan(&self, table: Table, from: &[u8], to: &[u8], direction: Direction, limit: usize) -> Vec<Pair> {
        let Some(rows) = self.0.get(&table) else { return Vec::new() };
        if !to.is_empty() && from >= to {
            return Vec::new();
        }
        let upper = if to.is_empty() { Bound::Unbounded } else { Bound::Excluded(to) };
        let range =
            rows.range::<[u8], _>((Bound::Included(from), upper)).map(|(key, value)| (key.clone(), value.clone()));
        match direction {
            Direction::Ascending => range.take(limit).collect(),
            Direction::Descending => range.rev().take(limit).collect(),
        }
    }
}

fn remove_range(rows: &mut Rows, from: &[u8], to: &[u8]) {
    if from >= to {
        return;
    }
    let bounds = (Bound::Included(from), Bound::Excluded(to));
    let doomed: Vec<Vec<u8>> = rows.range::<[u8], _>(bounds).map(|(key, _)| key.clone()).collect();
    for key in doomed {
        rows.remove(&key);
    }
}
