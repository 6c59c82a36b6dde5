//! The indexes and the ring of replies, with bounds that are quickly reached.

use std::sync::{Arc, OnceLock, Weak};

use proptest::prelude::*;
use tetrarch_crypto::{Digest, Domain, PublicKey, Signature};
use tetrarch_storage::{
    Direction, Durability, FaultyStore, MemoryStore, Pair, Reader, Store, StoreError, Table, WriteBatch,
};
use tetrarch_types::{
    Batch, CommitCertificate, CommittedBatch, Epoch, Membership, Parameters, SeqNum, Timestamp, Transaction,
    TransactionBody, View,
};

use super::replies::Bounds;
use super::rows::rooted;
use super::rows::{ANSWERS, NONCES, REPLIES, SENDERS, empty};
use super::{Context, Execution, QueryError, Retention, StateMachine, index};
use crate::tables::Overlay;
use crate::tree::RowChange;
use crate::{Command, KvMachine};

const HOUR: u64 = 3_600_000_000;
const FEW: Bounds = Bounds { replies: 12, reply_bytes: 6_000 };

type Node<S> = Execution<KvMachine, S>;

fn membership() -> Membership {
    let parameters = Parameters { checkpoint_interval: 4, window: 8 };
    Membership::new(Digest::from_bytes([7; 32]), Epoch::ZERO, parameters, Vec::new())
}

fn fresh_store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    Node::init(&store, &membership()).unwrap();
    store
}

fn open<S: Store>(store: S, bounds: Bounds) -> Node<S> {
    let mut node = Execution::open(KvMachine, store, &membership(), Retention::default()).unwrap();
    node.setup.bounds = bounds;
    node
}

fn transaction(name: u8, nonce: u64, now: u64, size: usize) -> Transaction {
    let body = TransactionBody {
        chain: Digest::from_bytes([7; 32]),
        sender: PublicKey::from_bytes([name; 32]),
        nonce,
        valid_until: Timestamp::from_micros(now + HOUR / 2),
        command: Command::put("k", vec![0; size]).encode(),
    };
    Transaction { body, signature: Signature::from_bytes([1; 64]) }
}

fn batch(seq: u64, stamp: u64, transactions: Vec<Transaction>) -> CommittedBatch {
    let timestamp = Timestamp::from_micros(stamp);
    let batch = Batch { timestamp, transactions: transactions.iter().map(Transaction::id).collect() };
    let seq = SeqNum::new(seq);
    let certificate = CommitCertificate { view: View::ZERO, seq, digest: batch.digest(), commits: Vec::new() };
    CommittedBatch { seq, batch, transactions, certificate }
}

/// Few senders and nonces, which come again after they were forgotten; some batches without any.
fn history() -> impl Strategy<Value = Vec<CommittedBatch>> {
    let one = (0_u8..3, prop_oneof![0_u64..6, 0_u64..10_000], 0_usize..2);
    let step = (prop_oneof![3 => 0..HOUR, 1 => 2 * HOUR..4 * HOUR], prop::collection::vec(one, 0..8));
    prop::collection::vec(step, 1..20).prop_map(|steps| {
        let mut now = 1_000 * HOUR;
        let batches = (1..).zip(steps).map(|(seq, (step, ones))| {
            now += step;
            let transactions = ones.into_iter().map(|(name, nonce, size)| transaction(name, nonce, now, size));
            batch(seq, now, transactions.collect())
        });
        batches.collect()
    })
}

fn rows(store: &dyn Reader, table: Table) -> Vec<Pair> {
    store.scan(table, b"", b"", Direction::Ascending, usize::MAX).unwrap()
}

fn dump(store: &dyn Reader, tables: &[Table]) -> Vec<Vec<Pair>> {
    tables.iter().map(|table| rows(store, *table)).collect()
}

fn executed(batches: &[CommittedBatch]) -> Arc<MemoryStore> {
    let store = fresh_store();
    let node = open(store.clone(), FEW);
    batches.iter().for_each(|committed| drop(node.execute(committed).unwrap()));
    store
}

fn indexes() -> Vec<Table> {
    index::indexes(&KvMachine)
}

fn write(store: &dyn Store, fill: impl FnOnce(&mut WriteBatch)) {
    let mut batch = WriteBatch::new();
    fill(&mut batch);
    store.write(batch, Durability::Buffered).unwrap();
}

proptest! {
    #[test]
    fn the_ring_and_its_indexes_stay_right(batches in history(), reopen in prop::collection::vec(any::<bool>(), 20)) {
        let store = fresh_store();
        let mut node = open(store.clone(), FEW);
        for (committed, reopen) in batches.iter().zip(reopen) {
            if reopen {
                node = open(store.clone(), FEW);
            }
            let executed = node.execute(committed).unwrap();
            prop_assert!(index::check(&KvMachine, &store).unwrap());
            for reply in &executed.replies {
                let kept = node.reply(&reply.transaction).unwrap();
                prop_assert_eq!(kept.as_ref(), Some(reply), "the latest batch's always stay");
            }
            let cache = node.head().progress.cache;
            let parts = rows(&store, REPLIES);
            prop_assert_eq!(cache.replies, rows(&store, ANSWERS).len() as u64);
            prop_assert_eq!(cache.reply_bytes, parts.iter().map(|(_, part)| part.len() as u64).sum::<u64>());
            prop_assert!(parts.first().is_none_or(|(key, _)| key.starts_with(&cache.oldest_reply.get().to_be_bytes())));
            let is_within = cache.replies <= FEW.replies && cache.reply_bytes <= FEW.reply_bytes;
            prop_assert!(is_within || cache.oldest_reply == committed.seq);
        }
        prop_assert_eq!(dump(&store, &indexes()), dump(&executed(&batches), &indexes()), "whatever was reopened");
    }

    #[test]
    fn a_rebuild_makes_the_same_indexes(
        batches in history(),
        damage in prop::collection::vec((0_usize..4, any::<u8>()), 0..6),
    ) {
        let store = executed(&batches);
        let kept = dump(&store, &indexes());
        write(&store, |step| {
            for (table, at) in damage {
                match rows(&store, indexes()[table]).get(usize::from(at)) {
                    Some((key, _)) => step.delete(indexes()[table], key.clone()),
                    None => step.put(indexes()[table], vec![at; 40], [at]),
                }
            }
        });
        prop_assert_eq!(index::check(&KvMachine, &store).unwrap(), dump(&store, &indexes()) == kept);
        index::rebuild(&KvMachine, &store).unwrap();
        prop_assert_eq!(dump(&store, &indexes()), kept);
        prop_assert!(index::check(&KvMachine, &store).unwrap());
    }

    #[test]
    fn installed_rows_take_the_indexes_with_them(here in history(), there in history(), order in any::<u64>()) {
        let (store, target) = (executed(&here), executed(&there));
        let mut changes = Vec::new();
        for table in rooted(&KvMachine) {
            let pairs = rows(&store, table).into_iter().chain(rows(&target, table));
            let mut keys: Vec<_> = pairs.map(|(key, _)| key).collect();
            keys.sort();
            keys.dedup();
            changes.extend(keys.into_iter().map(|key| (table, key)));
        }
        // Any order will do, as long as it is another one each time.
        let order = order.to_be_bytes();
        changes.sort_by_key(|(table, key)| Digest::of(Domain::StateRoot, &[&order, table.name().as_bytes(), key]));
        for (table, key) in changes {
            let (old, new) = (store.get(table, &key).unwrap(), target.get(table, &key).unwrap());
            let tables = Node::<Arc<MemoryStore>>::tables(&KvMachine);
            let mut state = Overlay::new(&store, &tables);
            let change = RowChange { table, key: key.clone(), old, new: new.clone() };
            prop_assert!(index::apply(&KvMachine, &mut state, &change).unwrap());
            match new {
                Some(value) => state.put(table, key, value),
                None => state.delete(table, key),
            }
            store.write(state.into_batch().unwrap(), Durability::Buffered).unwrap();
            prop_assert!(index::check(&KvMachine, &store).unwrap(), "in step after every single row");
        }
        prop_assert_eq!(dump(&store, &indexes()), dump(&target, &indexes()));
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let store = MemoryStore::new();
    let tables = indexes();
    let mut state = Overlay::new(&store, &tables);
    let node = fresh_store();
    open(node.clone(), FEW).execute(&batch(1, HOUR, vec![transaction(1, 1, HOUR, 0)])).unwrap();
    let (key, value) = rows(&node, REPLIES).remove(0);
    let rot = || Some(b"rot".to_vec());
    let mut apply = |table, key: &[u8], old, new| {
        index::apply(&KvMachine, &mut state, &RowChange { table, key: key.to_vec(), old, new })
    };
    assert!(!apply(REPLIES, &key, rot(), Some(value.clone())).unwrap(), "a rebuild is due");
    assert!(!apply(SENDERS, b"short", rot(), None).unwrap());
    apply(REPLIES, &key, Some(value), rot()).unwrap_err();
    assert_eq!(state.scan(NONCES, b"", b"", Direction::Ascending, 9).unwrap().len(), 1, "nothing was changed");
}

#[test]
fn a_rotten_index_row_is_found_and_a_rotten_state_stops_the_check() {
    let store = Arc::new(FaultyStore::new());
    Node::init(&store, &membership()).unwrap();
    open(store.clone(), FEW).execute(&batch(1, HOUR, vec![transaction(1, 1, HOUR, 0)])).unwrap();
    assert!(index::check(&KvMachine, &store).unwrap());
    let (key, _) = rows(&store, NONCES).remove(0);
    assert!(store.corrupt(NONCES, &key, 0));
    assert!(!index::check(&KvMachine, &store).unwrap());
    index::rebuild(&KvMachine, &store).unwrap();
    assert!(index::check(&KvMachine, &store).unwrap());
    let (key, _) = rows(&store, SENDERS).remove(0);
    write(&store, |batch| batch.put(SENDERS, key, "rot"));
    index::check(&KvMachine, &store).unwrap_err();
    index::rebuild(&KvMachine, &store).unwrap_err();
}

#[test]
fn lost_replies_do_not_make_a_search_without_end() {
    let store = fresh_store();
    let node = open(store.clone(), Bounds { replies: 0, reply_bytes: 0 });
    node.execute(&batch(1, HOUR, vec![transaction(1, 1, HOUR, 0)])).unwrap();
    node.execute(&batch(2, HOUR, vec![transaction(1, 2, HOUR, 0)])).unwrap();
    assert_eq!(node.head().progress.cache.oldest_reply, SeqNum::new(2), "the latest batch's stay");
    write(&store, |batch| empty(batch, &[REPLIES]));
    // The rows of batch 2 are gone: batch 3 still finds its own, and goes on. The root at the next checkpoint tells.
    node.execute(&batch(3, HOUR, vec![transaction(1, 3, HOUR, 0)])).unwrap();
    assert!(!index::check(&KvMachine, &store).unwrap());
    node.reply(&transaction(1, 2, HOUR, 0).id()).unwrap_err();
}

#[test]
fn who_asks_how_far_it_is_does_not_wait_for_a_write() {
    let node = open(fresh_store(), Bounds::PROTOCOL);
    for seq in 1..=3 {
        node.execute(&batch(seq, seq, Vec::new())).unwrap();
        let writing = node.head_mut();
        // Under the lock that a write holds it would never be answered here.
        assert_eq!(node.executed(), SeqNum::new(seq));
        drop(writing);
    }
    let again = Node::open(KvMachine, node.store, &membership(), Retention::default()).unwrap();
    assert_eq!(again.executed(), SeqNum::new(3));
}

#[test]
fn a_checkpoint_is_durable_even_without_its_snapshot() {
    for refuses in [false, true] {
        let store = Arc::new(FaultyStore::new());
        Node::init(&store, &membership()).unwrap();
        let node = open(Arc::clone(&store), FEW);
        store.refuse_snapshots(refuses);
        let executed = (1..=4).map(|seq| node.execute(&batch(seq, seq, Vec::new())).unwrap()).last().unwrap();
        assert_eq!((executed.checkpoint.is_some(), executed.snapshot_error.is_some()), (true, refuses));
        drop(node);
        store.crash(|_| 0);
        let reached = open(Arc::clone(&store), FEW).executed();
        assert_eq!(reached == SeqNum::new(4), refuses, "a snapshot is in files of its own");
    }
}

/// A machine that looks, while it is asked something, whether the next batch could be executed.
#[derive(Default)]
struct Curious(OnceLock<Weak<Execution<Curious, Arc<MemoryStore>>>>);

impl StateMachine for Curious {
    fn execute(&self, _: &Context, command: &[u8], _: &mut Overlay<'_>) -> Vec<u8> {
        command.to_vec()
    }

    fn query(&self, _: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        let node = self.0.get().and_then(Weak::upgrade).unwrap();
        let before = state.scan(Table::new("t"), b"", b"", Direction::Ascending, 9)?;
        // Whoever writes would wait for ever here.
        assert!(node.head.try_write().is_ok(), "an answer stands in the way of the next batch");
        node.execute(&batch(2, 2, Vec::new())).unwrap();
        write(&node.store, |batch| batch.put(Table::new("t"), "k", "v"));
        assert_eq!(state.scan(Table::new("t"), b"", b"", Direction::Ascending, 9)?, before);
        Ok(Vec::new())
    }

    fn revision(&self, _: &dyn Reader) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn check(&self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn tables(&self) -> &'static [Table] {
        const TABLES: &[Table] = &[Table::new("t")];
        TABLES
    }
}

#[test]
fn an_answer_is_of_one_state_and_nobody_waits_for_it() {
    let store = Arc::new(MemoryStore::new());
    Execution::<Curious, _>::init(&store, &membership()).unwrap();
    let node = Execution::open(Curious::default(), store, &membership(), Retention::default()).unwrap();
    let node = Arc::new(node);
    node.execute(&batch(1, 1, Vec::new())).unwrap();
    node.machine().0.set(Arc::downgrade(&node)).unwrap();
    assert_eq!(node.query(b"").unwrap().executed, SeqNum::new(1));
    assert_eq!(node.executed(), SeqNum::new(2));
}
