//! What execution costs: batches of puts, of transactions and of ordered reads through the envelope, with nonces, replies, ledger and history;
//! a checkpoint, which folds what changed into the state tree and freezes the store; and questions that nobody orders. By how much the store
//! holds, in memory and in RocksDB.
//!
//! `cargo bench -p tetrarch-kv --bench execution -- rocksdb/put`: arguments choose.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot set its scene has failed")]

#[path = "../tests/suite/support/mod.rs"]
#[allow(dead_code, reason = "it serves the tests, and this uses some of it")]
mod support;

use std::hint::black_box;

use support::{Node, batch, find, genesis, only, transaction};
use tempfile::TempDir;
use tetrarch_kv::{
    Command, Compare, Comparison, KvMachine, KvQuery, Operation, PutRequest, Request, Retention, Target, TxnRequest,
};
use tetrarch_stopwatch::{BatchSize, BenchmarkId, Processor, Throughput, processor};
use tetrarch_storage::{MemoryStore, RocksStore, Store};
use tetrarch_types::{CommittedBatch, Epoch, Membership, Parameters};

/// Keys in the store.
const SIZES: [u64; 3] = [1_000, 10_000, 100_000];
const VALUE_BYTES: usize = 256;
/// Transactions of a batch.
const TRANSACTIONS: u64 = 256;
/// Batches from one checkpoint to the next, where checkpoints are measured. Elsewhere none comes.
const INTERVAL: u64 = 8;
/// Clients, each with one key to sign with.
const SENDERS: u64 = 64;

fn main() {
    let mut times = processor();
    for size in SIZES {
        measure(&mut times, "memory", size, MemoryStore::new);
        let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut stores = 0;
        let open = || {
            stores += 1;
            let tables = Node::<RocksStore>::tables(&KvMachine);
            RocksStore::open(&dir.path().join(stores.to_string()), &tables).unwrap()
        };
        measure(&mut times, "rocksdb", size, open);
    }
}

fn measure<S: Store>(times: &mut Processor, store: &str, size: u64, mut open: impl FnMut() -> S) {
    let mut load = Load::filled(open(), size, u64::MAX);
    execute(times, &format!("{store}/put"), &mut load, put);
    execute(times, &format!("{store}/txn"), &mut load, txn);
    execute(times, &format!("{store}/get"), &mut load, Command::get);
    query(times, &format!("{store}/query"), &load);
    checkpoint(times, &format!("{store}/checkpoint"), &mut Load::filled(open(), size, INTERVAL));
}

fn execute<S: Store>(times: &mut Processor, name: &str, load: &mut Load<S>, command: fn(String) -> Command) {
    let Load { node, size, next } = load;
    let mut group = times.benchmark_group(name);
    group.throughput(Throughput::Elements(TRANSACTIONS));
    group.bench_function(BenchmarkId::from_parameter(*size), |bench| {
        bench.iter_batched(
            || next.batch(|number| command(key(scattered(number) % *size))),
            |batch| node.execute(&batch).unwrap(),
            BatchSize::SmallInput,
        );
    });
}

/// A batch with a checkpoint behind it, behind a few of puts without one.
fn checkpoint<S: Store>(times: &mut Processor, name: &str, load: &mut Load<S>) {
    let Load { node, size, next } = load;
    let mut until_due = || loop {
        let batch = next.batch(|number| put(key(scattered(number) % *size)));
        if batch.seq.is_multiple_of(INTERVAL) {
            return batch;
        }
        assert!(node.execute(&batch).unwrap().checkpoint.is_none());
    };
    let mut group = times.benchmark_group(name);
    group.bench_function(BenchmarkId::from_parameter(*size), |bench| {
        let due = |batch: CommittedBatch| assert!(node.execute(&batch).unwrap().checkpoint.is_some());
        bench.iter_batched(&mut until_due, due, BatchSize::PerIteration);
    });
}

fn query<S: Store>(times: &mut Processor, name: &str, load: &Load<S>) {
    let mut number = 0;
    let mut question = || {
        number += 1;
        KvQuery::get(key(scattered(number) % load.size)).encode()
    };
    assert_eq!(find(&load.node, &KvQuery::decode(&question()).unwrap()).records.len(), 1);
    let mut group = times.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::from_parameter(load.size), |bench| {
        bench.iter_batched(&mut question, |bytes| load.node.query(black_box(&bytes)).unwrap(), BatchSize::SmallInput);
    });
}

/// A node whose store has so many keys, and the batches that come next.
struct Load<S> {
    node: Node<S>,
    size: u64,
    next: Next,
}

impl<S: Store> Load<S> {
    fn filled(store: S, size: u64, checkpoint_interval: u64) -> Self {
        let parameters = Parameters { checkpoint_interval, ..Parameters::default() };
        let membership = Membership::new(genesis(), Epoch::ZERO, parameters, Vec::new());
        Node::<S>::init(&store, &membership).unwrap();
        let node = Node::open(KvMachine, store, &membership, Retention::default()).unwrap();
        let mut load = Self { node, size, next: Next::default() };
        for _ in 0..size.div_ceil(TRANSACTIONS) {
            let batch = load.next.batch(|number| put(key(number % size)));
            load.node.execute(&batch).unwrap();
        }
        load.check();
        load
    }

    /// That what will be measured does what it is to do.
    fn check(&mut self) {
        for command in [put(key(0)), txn(key(0)), Command::get(key(0))] {
            let seq = self.next.seq + 1;
            let executed = self.node.execute(&batch(seq, vec![transaction(0, seq, &command)])).unwrap();
            assert!(only(&executed).results.unwrap().iter().all(Result::is_ok), "{command:?}");
            self.next.seq = seq;
        }
        assert_eq!(find(&self.node, &KvQuery::prefix("", 0)).count, self.size);
    }
}

/// Batches in order.
#[derive(Default)]
struct Next {
    seq: u64,
    transactions: u64,
}

impl Next {
    fn batch(&mut self, command: impl Fn(u64) -> Command) -> CommittedBatch {
        self.seq += 1;
        let numbers = self.transactions..self.transactions + TRANSACTIONS;
        self.transactions = numbers.end;
        let one = |number| transaction(1 + (number % SENDERS) as u8, number / SENDERS + 1, &command(number));
        batch(self.seq, numbers.map(one).collect())
    }
}

fn put(key: String) -> Command {
    Command::put(key, vec![7; VALUE_BYTES])
}

/// One compare, which holds, and one put.
fn txn(key: String) -> Command {
    let compares = vec![Compare::new(key.as_str(), Comparison::Equal, Target::Lease(0))];
    let success = vec![Operation::Put(PutRequest::new(key, vec![7; VALUE_BYTES]))];
    Command::from(Request::Txn(TxnRequest { compares, success, failure: Vec::new() }))
}

fn key(number: u64) -> String {
    format!("key/{number:012}")
}

/// Numbers without an order, the same in every run (Knuth's multiplicative hashing).
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}
