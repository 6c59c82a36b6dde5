//! What was decided is kept for those that lag, and no longer than was asked for.

use crate::support::{INTERVAL, batch, fresh, fresh_store, noop, open, open_with, put, rows, transaction};
use tetrarch_kv::{Command, Retention};
use tetrarch_storage::{Durability, MemoryStore, Store, StoreError, Table, WriteBatch};
use tetrarch_types::{CommittedBatch, SeqNum, limits};

fn after(seq: u64) -> SeqNum {
    SeqNum::new(seq)
}

fn batches(batches: u64) -> Retention {
    Retention { batches, ..Retention::default() }
}

fn numbers(supply: &[CommittedBatch]) -> Vec<u64> {
    supply.iter().map(|committed| committed.seq.get()).collect()
}

#[test]
fn batches_come_back_as_they_were() {
    let node = fresh();
    let twice = put(1, 1, "k", "v");
    let batches =
        [batch(1, vec![twice.clone(), put(2, 1, "l", "w")]), noop(2), batch(3, vec![twice, put(1, 2, "k", "x")])];
    for committed in &batches {
        node.execute(committed).unwrap();
    }
    assert_eq!(node.committed_after(after(0)).unwrap(), batches);
    assert_eq!(node.committed_after(after(2)).unwrap(), batches[2..]);
    for nothing in [3, 4, u64::MAX - 1, u64::MAX] {
        assert!(node.committed_after(after(nothing)).unwrap().is_empty());
    }
    assert_eq!(node.transaction(&put(2, 1, "l", "w").id()).unwrap(), Some(put(2, 1, "l", "w")));
    assert_eq!(node.transaction(&put(2, 2, "l", "w").id()).unwrap(), None);
}

#[test]
fn a_supply_is_bounded_in_batches() {
    let node = fresh();
    let many = limits::MAX_SUPPLY_BATCHES as u64 + 10;
    for seq in 1..=many {
        node.execute(&noop(seq)).unwrap();
    }
    assert_eq!(node.committed_after(after(0)).unwrap().len(), limits::MAX_SUPPLY_BATCHES);
    assert_eq!(
        numbers(&node.committed_after(after(limits::MAX_SUPPLY_BATCHES as u64)).unwrap()),
        (65..=many).collect::<Vec<_>>()
    );
}

#[test]
fn a_supply_is_bounded_in_bytes_but_never_empty() {
    let node = fresh();
    for seq in 1..=4 {
        let large = |nonce| transaction(1, nonce, &Command::put("k", vec![0; 1_000_000]));
        node.execute(&batch(seq, (seq * 10..seq * 10 + 4).map(large).collect())).unwrap();
    }
    let supply = node.committed_after(after(0)).unwrap();
    assert_eq!(numbers(&supply), [1, 2]);
    assert!(supply.iter().map(CommittedBatch::cost).sum::<usize>() <= limits::MAX_SUPPLY_BYTES);
    assert_eq!(numbers(&node.committed_after(after(2)).unwrap()), [3, 4]);
}

#[test]
fn old_batches_go_with_all_their_rows() {
    let store = fresh_store();
    let node = open_with(store.clone(), batches(3));
    for seq in 1..=10 {
        node.execute(&batch(seq, vec![put(1, 2 * seq, "k", "v"), put(1, 2 * seq + 1, "k", "v")])).unwrap();
    }
    assert_eq!(numbers(&node.committed_after(after(7)).unwrap()), [8, 9, 10]);
    assert!(node.committed_after(after(6)).unwrap().is_empty(), "below what is kept");
    assert_eq!(node.transaction(&put(1, 14, "k", "v").id()).unwrap(), None);
    assert!(node.transaction(&put(1, 16, "k", "v").id()).unwrap().is_some());
    for (table, count) in [("execution.ledger", 3), ("execution.bodies", 3), ("execution.places", 6)] {
        assert_eq!(rows(&*store, Table::new(table)).len(), count, "{table}");
    }
}

#[test]
fn transactions_are_found_in_every_part_of_a_batch() {
    let store = fresh_store();
    let node = open(store.clone());
    // Small ones, one that fills a part by itself, and so many that they take several.
    let sizes = [10, 20_000, 10, 10].into_iter().chain((0..40).map(|_| 1_000));
    let bodies: Vec<_> =
        (1..).zip(sizes).map(|(nonce, size)| transaction(1, nonce, &Command::put("k", vec![0; size]))).collect();
    node.execute(&batch(1, vec![put(2, 1, "k", "v")])).unwrap();
    node.execute(&batch(2, bodies.clone())).unwrap();
    assert_eq!(rows(&*store, Table::new("execution.bodies")).len(), 1 + 5);
    for body in &bodies {
        assert_eq!(node.transaction(&body.id()).unwrap().as_ref(), Some(body));
    }
    assert_eq!(node.committed_after(after(0)).unwrap()[1].transactions, bodies);
}

#[test]
fn a_smaller_retention_takes_effect_in_time() {
    let store = fresh_store();
    let node = open_with(store.clone(), batches(100));
    (1..=40).for_each(|seq| drop(node.execute(&noop(seq)).unwrap()));
    let node = open_with(store.clone(), batches(2));
    assert_eq!(node.committed_after(after(0)).unwrap().len(), 40);
    (41..=60).for_each(|seq| drop(node.execute(&noop(seq)).unwrap()));
    assert_eq!(numbers(&node.committed_after(after(58)).unwrap()), [59, 60]);
    assert_eq!(rows(&*store, Table::new("execution.ledger")).len(), 2);
    let node = open_with(store.clone(), batches(0));
    (61..=63).for_each(|seq| drop(node.execute(&noop(seq)).unwrap()));
    assert!(node.committed_after(after(62)).unwrap().is_empty());
    let node = open_with(store, batches(5));
    node.execute(&noop(64)).unwrap();
    assert_eq!(numbers(&node.committed_after(after(63)).unwrap()), [64]);
}

fn bytes_in(store: &MemoryStore) -> u64 {
    let tables = ["execution.ledger", "execution.bodies"].map(Table::new);
    tables.into_iter().flat_map(|table| rows(store, table)).map(|(_, value)| value.len() as u64).sum()
}

/// A batch of about so many bytes.
fn large(seq: u64, bytes: usize) -> CommittedBatch {
    batch(seq, vec![transaction(1, seq, &Command::put("k", vec![0; bytes]))])
}

const FEW_BYTES: Retention = Retention { batches: 1_000, bytes: 100_000 };

/// Twice the window.
const FLOOR: u64 = 4 * INTERVAL;

#[test]
fn the_ledger_is_bounded_in_bytes() {
    let store = fresh_store();
    let mut node = open_with(store.clone(), FEW_BYTES);
    for seq in 1..=200 {
        if seq % 7 == 0 {
            node = open_with(store.clone(), FEW_BYTES);
        }
        node.execute(&large(seq, if seq % 10 == 0 { 20_000 } else { 100 })).unwrap();
        assert!(bytes_in(&store) <= FEW_BYTES.bytes || seq < FLOOR);
    }
    let kept = rows(&*store, Table::new("execution.ledger")).len();
    assert!((30..60).contains(&kept), "{kept}");
    assert_eq!(numbers(&node.committed_after(after(190)).unwrap()), (191..=200).collect::<Vec<_>>());
}

#[test]
fn two_windows_stay_however_large_they_are() {
    let store = fresh_store();
    let node = open_with(store.clone(), FEW_BYTES);
    for seq in 1..=3 * FLOOR {
        node.execute(&large(seq, 50_000)).unwrap();
    }
    assert_eq!(rows(&*store, Table::new("execution.ledger")).len() as u64, FLOOR);
    for seq in 3 * FLOOR + 1..=6 * FLOOR {
        node.execute(&large(seq, 10)).unwrap();
    }
    assert!(bytes_in(&store) <= FEW_BYTES.bytes, "and it shrinks when they have passed");
}

#[test]
fn a_ledger_of_small_batches_keeps_up_with_a_large_one() {
    let store = fresh_store();
    let node = open_with(store.clone(), FEW_BYTES);
    (1..=400).for_each(|seq| drop(node.execute(&large(seq, 10)).unwrap()));
    node.execute(&large(401, 90_000)).unwrap();
    assert!(bytes_in(&store) <= FEW_BYTES.bytes);
    (402..=404).for_each(|seq| drop(node.execute(&large(seq, 10)).unwrap()));
    assert!(bytes_in(&store) <= FEW_BYTES.bytes);
}

/// Whoever asks for it finds that, and so does whoever checks it: else a start would not mend what stops the node.
#[test]
fn what_is_not_all_there_is_found_and_the_ledger_begins_anew() {
    for table in ["execution.ledger", "execution.bodies", "execution.places"].map(Table::new) {
        let store = fresh_store();
        let node = open(store.clone());
        (1..=3).for_each(|seq| drop(node.execute(&batch(seq, vec![put(1, seq, "k", "v")])).unwrap()));
        node.check_ledger().unwrap();
        let mut gone = WriteBatch::new();
        match rows(&*store, table).swap_remove(1) {
            (key, _) if table.name() == "execution.bodies" => gone.delete(table, key),
            (key, _) => gone.put(table, key, [0xff; 7]),
        }
        store.write(gone, Durability::Buffered).unwrap();
        let found = node.check_ledger();
        assert!(matches!(found, Err(StoreError::Corrupt { .. })), "{}: {found:?}", table.name());
        assert!(table.name() == "execution.places" || node.committed_after(after(0)).is_err());

        node.forget_ledger().unwrap();
        node.check_ledger().unwrap();
        assert!(node.committed_after(after(0)).unwrap().is_empty(), "below what is kept");
        node.execute(&batch(4, vec![put(1, 4, "k", "v")])).unwrap();
        assert_eq!(numbers(&node.committed_after(after(3)).unwrap()), [4]);
        node.check_ledger().unwrap();
    }
}
