//! What a power failure or a failing disk leaves behind is always the state behind some whole batch.

use std::sync::Arc;

use crate::support::{self, Node, batch, dump, get, membership, noop, open, put, sender};
use proptest::prelude::*;
use tetrarch_kv::ExecuteError;
use tetrarch_storage::{Durability, FailureKind, FaultyStore, MemoryStore, Store, StoreError, Table, WriteBatch};
use tetrarch_types::{CommittedBatch, SeqNum};

fn fresh_faulty() -> Arc<FaultyStore> {
    let store = Arc::new(FaultyStore::new());
    Node::<Arc<FaultyStore>>::init(&store, &membership()).unwrap();
    store
}

/// Each batch counts up one key, and repeats the transaction of the batch before.
fn history(count: u64) -> Vec<CommittedBatch> {
    let one = |seq: u64| put(1, seq, "count", &seq.to_string());
    (1..=count).map(|seq| if seq % 5 == 0 { noop(seq) } else { batch(seq, vec![one(seq), one(seq - 1)]) }).collect()
}

/// What a node that never crashed has after the first `count` batches.
fn undisturbed(count: u64) -> Arc<MemoryStore> {
    let store = support::fresh_store();
    let node = open(store.clone());
    history(count).iter().for_each(|committed| drop(node.execute(committed).unwrap()));
    store
}

#[test]
fn init_survives_at_once() {
    let store = fresh_faulty();
    store.crash(|_| 0);
    assert_eq!(open(store).executed(), SeqNum::ZERO);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_crash_leaves_a_whole_earlier_state(
        before in 1_u64..14,
        synced_at in prop::option::of(1_u64..14),
        kept in 0_usize..14,
        after in 0_u64..6,
    ) {
        let store = fresh_faulty();
        let batches = history(before + after);
        let node = open(store.clone());
        for committed in &batches[..usize::try_from(before).unwrap()] {
            node.execute(committed).unwrap();
            if synced_at == Some(committed.seq.get()) {
                // As the journal does.
                store.write(WriteBatch::new(), Durability::Synced).unwrap();
            }
        }
        store.crash(|_| kept);

        let node = open(store.clone());
        let executed = node.executed().get();
        prop_assert!(executed <= before);
        if let Some(synced) = synced_at.filter(|synced| *synced <= before) {
            prop_assert!(executed >= synced);
        }
        prop_assert_eq!(dump(&*store), dump(&*undisturbed(executed)), "state, nonces, replies and ledger agree");

        for committed in &batches[usize::try_from(executed).unwrap()..] {
            node.execute(committed).unwrap();
        }
        prop_assert_eq!(dump(&*store), dump(&*undisturbed(before + after)), "and it goes on as if nothing had happened");
    }
}

#[test]
fn a_failed_write_changes_nothing_and_stops_execution() {
    for kind in [FailureKind::Io, FailureKind::Full] {
        let store = fresh_faulty();
        let node = open(store.clone());
        node.execute(&batch(1, vec![put(1, 1, "k", "one")])).unwrap();
        store.fail_write_at(0, kind);
        let second = batch(2, vec![put(1, 2, "k", "two")]);
        assert!(matches!(node.execute(&second), Err(ExecuteError::Store(_))));
        assert_eq!(node.execute(&second), Err(ExecuteError::Store(StoreError::Poisoned)));
        assert_eq!((node.executed().get(), get(&node, "k").unwrap()), (1, "one".to_owned()));
        assert_eq!(node.highest_nonce(&sender(1)).unwrap(), Some(1));
        store.crash(|unsynced| unsynced);
        let node = open(store);
        node.execute(&second).unwrap();
        assert_eq!(get(&node, "k").unwrap(), "two");
    }
}

#[test]
fn a_rotten_record_stops_execution_instead_of_becoming_a_result() {
    let store = fresh_faulty();
    let node = open(store.clone());
    node.execute(&batch(1, vec![put(1, 1, "k", "v")])).unwrap();
    // The first byte of a record is its value's length.
    assert!(store.corrupt(Table::new("kv.records"), b"k", 0));
    let error = node.execute(&batch(2, vec![put(1, 2, "k", "w")])).unwrap_err();
    assert!(matches!(error, ExecuteError::Store(StoreError::Corrupt { .. })), "{error}");
    assert_eq!(node.executed().get(), 1);
    assert!(node.query(&tetrarch_kv::KvQuery::get("k").encode()).is_err());
}
