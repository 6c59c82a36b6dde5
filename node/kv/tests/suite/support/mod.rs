//! What several topics need: transactions, batches, stores, and looking into them.

pub(crate) mod counting;

use std::sync::Arc;

use tetrarch_crypto::{Digest, PublicKey, Signature};
use tetrarch_kv::{Command, CommandResult, Executed, Execution, KvMachine, KvQuery, QueryResult, Retention, Selection};
use tetrarch_storage::{Direction, MemoryStore, Pair, Reader, Store, Table};
use tetrarch_types::{
    Batch, CommitCertificate, CommittedBatch, Epoch, Membership, Outcome, Parameters, SeqNum, Timestamp, Transaction,
    TransactionBody, View,
};

pub(crate) const HOUR: u64 = 3_600_000_000;
/// An agreed time to start from.
pub(crate) const NOW: u64 = 1_000 * HOUR;
pub(crate) const INTERVAL: u64 = 4;

pub(crate) type Node<S = Arc<MemoryStore>> = Execution<KvMachine, S>;

pub(crate) fn genesis() -> Digest {
    Digest::from_bytes([7; 32])
}

/// A chain with these parameters; who its members are does not matter here.
pub(crate) fn chain(genesis: Digest, checkpoint_interval: u64) -> Membership {
    let parameters = Parameters { checkpoint_interval, window: 2 * checkpoint_interval };
    Membership::new(genesis, Epoch::ZERO, parameters, Vec::new())
}

pub(crate) fn membership() -> Membership {
    chain(genesis(), INTERVAL)
}

pub(crate) fn sender(name: u8) -> PublicKey {
    PublicKey::from_bytes([name; 32])
}

pub(crate) fn at(micros: u64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn transaction_until(name: u8, nonce: u64, valid_until: u64, command: &Command) -> Transaction {
    let body = TransactionBody {
        chain: genesis(),
        sender: sender(name),
        nonce,
        valid_until: at(valid_until),
        command: command.encode(),
    };
    Transaction { body, signature: Signature::from_bytes([1; 64]) }
}

/// Valid at `NOW`, for the hour that it may be at most.
pub(crate) fn transaction(name: u8, nonce: u64, command: &Command) -> Transaction {
    transaction_until(name, nonce, NOW + HOUR, command)
}

pub(crate) fn put(name: u8, nonce: u64, key: &str, value: &str) -> Transaction {
    transaction(name, nonce, &Command::put(key, value))
}

pub(crate) fn batch_at(seq: u64, stamp: u64, transactions: Vec<Transaction>) -> CommittedBatch {
    let seq = SeqNum::new(seq);
    let batch = Batch { timestamp: at(stamp), transactions: transactions.iter().map(Transaction::id).collect() };
    let certificate = CommitCertificate { view: View::ZERO, seq, digest: batch.digest(), commits: Vec::new() };
    CommittedBatch { seq, batch, transactions, certificate }
}

pub(crate) fn batch(seq: u64, transactions: Vec<Transaction>) -> CommittedBatch {
    batch_at(seq, NOW, transactions)
}

pub(crate) fn noop(seq: u64) -> CommittedBatch {
    CommittedBatch { batch: Batch::noop(), ..batch_at(seq, 0, Vec::new()) }
}

pub(crate) fn open_with<S: Store>(store: S, retain: Retention) -> Node<S> {
    Execution::open(KvMachine, store, &membership(), retain).unwrap()
}

pub(crate) fn open<S: Store>(store: S) -> Node<S> {
    open_with(store, Retention::default())
}

pub(crate) fn fresh_store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    Node::<Arc<MemoryStore>>::init(&store, &membership()).unwrap();
    store
}

pub(crate) fn fresh() -> Node {
    open(fresh_store())
}

/// What the only transaction of a batch came to.
pub(crate) fn only(executed: &Executed) -> CommandResult {
    assert_eq!(executed.replies.len(), 1);
    result(&executed.replies[0].outcome)
}

pub(crate) fn result(outcome: &Outcome) -> CommandResult {
    let Outcome::Executed(bytes) = outcome else { panic!("not executed: {outcome:?}") };
    CommandResult::decode(bytes).unwrap()
}

pub(crate) fn ask<S: Store>(node: &Node<S>, query: &KvQuery) -> QueryResult {
    QueryResult::decode(&node.query(&query.encode()).unwrap().bytes).unwrap()
}

/// The records of a range.
pub(crate) fn find<S: Store>(node: &Node<S>, query: &KvQuery) -> Selection {
    ask(node, query).selection().unwrap()
}

pub(crate) fn get<S: Store>(node: &Node<S>, key: &str) -> Option<String> {
    let record = find(node, &KvQuery::get(key)).records.pop()?.1;
    Some(String::from_utf8(record.value).unwrap())
}

pub(crate) fn rows(store: &dyn Reader, table: Table) -> Vec<Pair> {
    store.scan(table, b"", b"", Direction::Ascending, usize::MAX).unwrap()
}

/// Every table's every byte.
pub(crate) fn dump(store: &dyn Reader) -> Vec<(Table, Vec<Pair>)> {
    Node::<Arc<MemoryStore>>::tables(&KvMachine).into_iter().map(|table| (table, rows(store, table))).collect()
}

/// What replicas must agree on: all but the tables that are a node's own.
pub(crate) fn replicated(store: &dyn Reader) -> Vec<(Table, Vec<Pair>)> {
    let own = ["execution.local", "execution.ledger", "execution.bodies", "execution.places"];
    dump(store).into_iter().filter(|(table, _)| !own.contains(&table.name())).collect()
}
