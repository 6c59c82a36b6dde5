//! The same operations against every store and against a model too simple to be wrong.

use std::sync::Arc;

use crate::support::{self, A, B};
use proptest::prelude::*;
use tetrarch_storage::{
    Direction, Durability, FaultyStore, MemoryStore, Operation, Pair, RocksStore, Store, Table, WriteBatch,
};

/// Every pair ever put and not removed, in no order.
#[derive(Default)]
struct Model(Vec<(Table, Vec<u8>, Vec<u8>)>);

impl Model {
    fn apply(&mut self, batch: &WriteBatch) {
        for operation in batch.operations() {
            match operation.clone() {
                Operation::Put { table, key, value } => {
                    self.0.retain(|(t, k, _)| (*t, k) != (table, &key));
                    self.0.push((table, key, value));
                }
                Operation::Delete { table, key } => self.0.retain(|(t, k, _)| (*t, k) != (table, &key)),
                Operation::DeleteRange { table, from, to } => {
                    self.0.retain(|(t, k, _)| *t != table || *k < from || *k >= to);
                }
            }
        }
    }

    fn get(&self, table: Table, key: &[u8]) -> Option<Vec<u8>> {
        self.0.iter().find(|(t, k, _)| *t == table && k == key).map(|(_, _, value)| value.clone())
    }

    fn scan(&self, scan: &Scan) -> Vec<Pair> {
        let inside = |key: &Vec<u8>| *key >= scan.from && (scan.to.is_empty() || *key < scan.to);
        let rows = self.0.iter().filter(|(t, key, _)| *t == scan.table && inside(key));
        let mut rows: Vec<Pair> = rows.map(|(_, key, value)| (key.clone(), value.clone())).collect();
        rows.sort();
        if scan.direction == Direction::Descending {
            rows.reverse();
        }
        rows.truncate(scan.limit);
        rows
    }
}

#[derive(Clone, Debug)]
struct Scan {
    table: Table,
    from: Vec<u8>,
    to: Vec<u8>,
    direction: Direction,
    limit: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Write(WriteBatch, Durability),
    Get(Table, Vec<u8>),
    Scan(Scan),
}

impl Model {
    fn check(&mut self, store: &impl Store, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Write(batch, durability) => {
                    store.write(batch.clone(), *durability).unwrap();
                    self.apply(batch);
                }
                Step::Get(table, key) => assert_eq!(store.get(*table, key).unwrap(), self.get(*table, key)),
                Step::Scan(s) => {
                    let found = store.scan(s.table, &s.from, &s.to, s.direction, s.limit).unwrap();
                    assert_eq!(found, self.scan(s), "{s:?}");
                }
            }
        }
        self.check_whole(store);
    }

    fn check_whole(&self, store: &impl Store) {
        for table in [A, B] {
            let whole = Scan { table, from: vec![], to: vec![], direction: Direction::Ascending, limit: usize::MAX };
            assert_eq!(support::all(store, table), self.scan(&whole));
        }
    }
}

fn table() -> impl Strategy<Value = Table> {
    prop_oneof![Just(A), Just(B)]
}

/// Few and short, so that they meet; with the ends of the order among them.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(b'k'), Just(0xff)], 0..4)
}

fn operation() -> impl Strategy<Value = Operation> {
    let value = prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        6 => (table(), key(), value).prop_map(|(table, key, value)| Operation::Put { table, key, value }),
        2 => (table(), key()).prop_map(|(table, key)| Operation::Delete { table, key }),
        2 => (table(), key(), key()).prop_map(|(table, from, to)| Operation::DeleteRange { table, from, to }),
    ]
}

fn batch() -> impl Strategy<Value = WriteBatch> {
    prop::collection::vec(operation(), 0..8).prop_map(|operations| {
        let mut batch = WriteBatch::new();
        for operation in operations {
            match operation {
                Operation::Put { table, key, value } => batch.put(table, key, value),
                Operation::Delete { table, key } => batch.delete(table, key),
                Operation::DeleteRange { table, from, to } => batch.delete_range(table, from, to),
            }
        }
        batch
    })
}

fn scan() -> impl Strategy<Value = Scan> {
    let direction = prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)];
    let limit = prop_oneof![3 => 0..6_usize, 1 => Just(usize::MAX)];
    (table(), key(), key(), direction, limit).prop_map(|(table, from, to, direction, limit)| Scan {
        table,
        from,
        to,
        direction,
        limit,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let durability = prop_oneof![4 => Just(Durability::Buffered), 1 => Just(Durability::Synced)];
    let step = prop_oneof![
        3 => (batch(), durability).prop_map(|(batch, durability)| Step::Write(batch, durability)),
        1 => (table(), key()).prop_map(|(table, key)| Step::Get(table, key)),
        2 => scan().prop_map(Step::Scan),
    ];
    prop::collection::vec(step, 1..40)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn memory_conforms(steps in steps()) {
        let (mut model, store) = (Model::default(), MemoryStore::new());
        model.check(&store, &steps);
        let bytes: usize = model.0.iter().map(|(_, key, value)| key.len() + value.len()).sum();
        assert_eq!(store.stored_bytes().unwrap(), bytes as u64);
    }

    #[test]
    fn faulty_conforms_while_nothing_fails(steps in steps()) {
        Model::default().check(&Arc::new(FaultyStore::new()), &steps);
    }
}

proptest! {
    #![proptest_config(config(24))]

    /// Opened again now and then, which moves what it holds in memory into its files.
    #[test]
    fn rocks_conforms(steps in steps()) {
        let directory = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        for steps in steps.chunks(10) {
            let store = RocksStore::open(directory.path(), &[A, B]).unwrap();
            model.check_whole(&store);
            model.check(&store, steps);
        }
    }
}
