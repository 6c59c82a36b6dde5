//! Replies: the same on every replica, there after a reopening, and gone in time.

use crate::support::{
    HOUR, NOW, Node, batch, batch_at, fresh, fresh_store, noop, open, put, rows, sender, transaction, transaction_until,
};
use tetrarch_kv::{Command, Fate};
use tetrarch_storage::{MemoryStore, Table};
use tetrarch_types::limits::{MAX_CACHED_REPLIES, MAX_CACHED_REPLY_BYTES, NONCE_WINDOW};
use tetrarch_types::{CommittedBatch, Transaction, result_leaf};

const REPLIES: Table = Table::new("execution.replies");
const NONCES: Table = Table::new("execution.nonces");
const SENDERS: Table = Table::new("execution.senders");
const IDLE: Table = Table::new("execution.idle");
const MINUTE: u64 = HOUR / 60;
const ANSWERS: Table = Table::new("execution.answers");

fn fate(node: &Node, one: &Transaction) -> Fate {
    node.fate(&one.id(), &one.body).unwrap()
}

/// Replies that are remembered.
fn cached(store: &MemoryStore) -> u64 {
    rows(store, ANSWERS).len() as u64
}

#[test]
fn every_reply_leads_to_the_results_root() {
    let node = fresh();
    for count in 1..=9_u64 {
        let transactions = (0..count).map(|nonce| put(1, count * 100 + nonce, "k", "v")).collect();
        let executed = node.execute(&batch(count, transactions)).unwrap();
        assert_eq!(executed.replies.len() as u64, count);
        for (index, reply) in (0_u32..).zip(&executed.replies) {
            assert_eq!((reply.path.index, u64::from(reply.path.leaves), reply.seq), (index, count, executed.seq));
            let leaf = result_leaf(&reply.transaction, &reply.outcome);
            assert_eq!(reply.path.root_from(leaf), Some(executed.results_root));
            assert_eq!(reply.results_root, executed.results_root);
        }
    }
}

#[test]
fn replies_survive_reopening() {
    let store = fresh_store();
    let executed = open(store.clone()).execute(&batch(1, vec![put(1, 1, "k", "v"), put(2, 1, "k", "w")])).unwrap();
    let node = open(store);
    for reply in executed.replies {
        assert_eq!(node.reply(&reply.transaction).unwrap(), Some(reply));
    }
}

#[test]
fn gaps_between_nonces_evict_nothing() {
    let node = fresh();
    let early: Vec<_> = (0..4).map(|nonce| put(1, nonce, "k", "v")).collect();
    node.execute(&batch(1, early.clone())).unwrap();
    node.execute(&batch(2, vec![put(1, 10 * NONCE_WINDOW, "k", "v"), put(1, u64::MAX, "k", "v")])).unwrap();
    assert!(early.iter().all(|one| node.reply(&one.id()).unwrap().is_some()));
    assert_eq!(node.highest_nonce(&sender(1)).unwrap(), Some(u64::MAX));
}

#[test]
fn the_fate_of_a_nonce_is_told_for_certain_or_not_at_all() {
    let node = fresh();
    let first = put(1, 5, "k", "v");
    assert_eq!(fate(&node, &first), Fate::Open);
    node.execute(&batch(1, vec![first.clone()])).unwrap();
    assert!(matches!(fate(&node, &first), Fate::Settled(_)));
    assert_eq!(fate(&node, &put(1, 5, "k", "other")), Fate::Never, "another transaction spent it");
    assert_eq!(fate(&node, &put(1, 6, "k", "v")), Fate::Open);
    assert_eq!(fate(&node, &put(2, 5, "k", "v")), Fate::Open, "another sender's");
    node.execute(&batch(2, vec![put(1, 10 * NONCE_WINDOW, "k", "v")])).unwrap();
    assert!(matches!(fate(&node, &first), Fate::Settled(_)), "the window moved past it; its reply is kept");
    assert_eq!(fate(&node, &put(1, 5, "k", "other")), Fate::Never);
    assert_eq!(fate(&node, &put(1, 6, "k", "v")), Fate::Forgotten, "below the window, and nobody knows what spent it");
}

#[test]
fn a_forgotten_senders_replies_stay_and_the_latest_counts() {
    let store = fresh_store();
    let node = open(store.clone());
    let early = by(1, 1, NOW).transactions.remove(0);
    node.execute(&by(1, 1, NOW)).unwrap();
    node.execute(&by(2, 2, NOW + 3 * HOUR)).unwrap();
    assert_eq!(node.highest_nonce(&sender(1)).unwrap(), None, "forgotten");
    assert!(matches!(fate(&node, &early), Fate::Settled(_)));
    let again = transaction_until(1, 1, NOW + 4 * HOUR, &Command::put("k", "again"));
    assert_eq!(fate(&node, &again), Fate::Open, "the nonce is free again");
    node.execute(&batch_at(3, NOW + 3 * HOUR, vec![again.clone()])).unwrap();
    assert!(matches!(fate(&node, &early), Fate::Settled(_)), "both of them are remembered");
    assert_eq!(node.reply(&again.id()).unwrap().unwrap().seq.get(), 3);
    assert_eq!((cached(&store), rows(&*store, NONCES).len()), (3, 3));
}

#[test]
fn that_it_never_executes_is_said_only_of_what_neither_did_nor_can_later() {
    let node = fresh();
    let early = by(1, 1, NOW).transactions.remove(0);
    node.execute(&by(1, 1, NOW)).unwrap();
    let other = |until| transaction_until(1, 1, until, &Command::put("k", "other"));
    assert_eq!(fate(&node, &other(NOW + HOUR)), Fate::Never);
    assert_eq!(fate(&node, &other(NOW + 2 * HOUR)), Fate::Never, "its sender is remembered for as long");
    assert_eq!(
        fate(&node, &other(NOW + 2 * HOUR + HOUR / 10)),
        Fate::Forgotten,
        "it may be ordered when that is forgotten"
    );

    node.execute(&by(2, 2, NOW + 3 * HOUR)).unwrap();
    node.execute(&batch_at(3, NOW + 3 * HOUR, vec![other(NOW + 4 * HOUR)])).unwrap();
    let of = |seq: u64| {
        (0..1_024).map(move |index| transaction_until(3, seq * 1_024 + index, NOW + 4 * HOUR, &Command::put("k", "v")))
    };
    let mut seq = 4;
    while matches!(fate(&node, &early), Fate::Settled(_)) {
        node.execute(&batch_at(seq, NOW + 3 * HOUR, of(seq).collect())).unwrap();
        seq += 1;
    }
    assert_eq!(fate(&node, &early), Fate::Forgotten, "it did execute");
}

#[test]
fn the_oldest_batches_replies_go_when_there_are_too_many() {
    let store = fresh_store();
    let node = open(store.clone());
    let of = |seq: u64| (0..1_024).map(move |index| put(1, seq * 1_024 + index, "k", "v"));
    node.execute(&batch(1, vec![put(2, 1, "k", "v")])).unwrap();
    node.execute(&noop(2)).unwrap();
    let full = 2 + MAX_CACHED_REPLIES / 1_024;
    for seq in 3..=full {
        node.execute(&batch(seq, of(seq).collect())).unwrap();
    }
    assert_eq!(cached(&store), MAX_CACHED_REPLIES);
    let first = of(3).next().unwrap();
    assert_eq!(fate(&node, &put(2, 1, "k", "v")), Fate::Forgotten);
    assert!(matches!(fate(&node, &first), Fate::Settled(_)));
    node.execute(&noop(full + 1)).unwrap();
    node.execute(&batch(full + 2, vec![put(3, 1, "k", "v")])).unwrap();
    assert_eq!(cached(&store), MAX_CACHED_REPLIES - 1_024 + 1, "whole batches go");
    assert_eq!(fate(&node, &first), Fate::Forgotten);
    assert!(of(4).all(|one| node.reply(&one.id()).unwrap().is_some()));
    assert_eq!(cached(&store), rows(&*store, NONCES).len() as u64);
}

#[test]
fn the_oldest_batches_replies_go_when_they_are_too_large() {
    let store = fresh_store();
    let node = open(store.clone());
    let value = vec![0; 1_000_000];
    node.execute(&batch(1, vec![transaction(1, 1, &Command::put("k", value))])).unwrap();
    let read = |seq: u64| batch(seq, (0..4).map(|nonce| transaction(1, seq * 4 + nonce, &Command::get("k"))).collect());
    for seq in 2..=30 {
        node.execute(&read(seq)).unwrap();
        let bytes: usize = rows(&*store, REPLIES).iter().map(|(_, part)| part.len()).sum();
        assert!(bytes as u64 <= MAX_CACHED_REPLY_BYTES, "{bytes}");
    }
    // Sixteen times four replies of a little more than a megabyte fit.
    assert_eq!(rows(&*store, REPLIES).len(), 16 * 4, "each large reply has a part of its own");
    assert_eq!(cached(&store), 16 * 4);
    assert_eq!(fate(&node, &read(14).transactions[0]), Fate::Forgotten);
    assert!(matches!(fate(&node, &read(15).transactions[0]), Fate::Settled(_)));
}

#[test]
fn replies_are_packed_into_rows_of_bounded_size() {
    let store = fresh_store();
    let node = open(store.clone());
    let large = transaction(1, 500, &Command::put("large", vec![0; 100_000]));
    node.execute(&batch(1, vec![large])).unwrap();
    let mut transactions: Vec<_> = (0..200).map(|nonce| put(1, nonce, "k", "v")).collect();
    transactions.insert(100, transaction(1, 501, &Command::get("large")));
    let executed = node.execute(&batch(2, transactions)).unwrap();
    let sizes: Vec<_> = rows(&*store, REPLIES).iter().map(|(_, part)| part.len()).collect();
    assert!(sizes.len() > 4, "{sizes:?}");
    assert_eq!(sizes.iter().filter(|size| **size > 16 * 1024 + 8).count(), 1, "{sizes:?}");
    for reply in executed.replies {
        assert_eq!(node.reply(&reply.transaction).unwrap(), Some(reply));
    }
}

#[test]
fn the_nonce_window_slides() {
    let node = fresh();
    node.execute(&batch(1, vec![put(1, 2 * NONCE_WINDOW, "k", "v")])).unwrap();
    assert!(node.is_spent(&sender(1), 0).unwrap(), "what fell out below can no longer execute");
    assert!(!node.is_spent(&sender(1), 2 * NONCE_WINDOW - 1).unwrap());
    let late = node.execute(&batch(2, vec![put(1, 0, "k", "v"), put(1, 2 * NONCE_WINDOW - 1, "k", "v")])).unwrap();
    assert_eq!(late.replies.len(), 1);
    assert_eq!(late.replies[0].transaction, put(1, 2 * NONCE_WINDOW - 1, "k", "v").id());
}

fn by(name: u8, seq: u64, stamp: u64) -> CommittedBatch {
    batch_at(seq, stamp, vec![transaction_until(name, seq, stamp + HOUR, &Command::put("k", "v"))])
}

#[test]
fn an_idle_sender_is_dropped() {
    let store = fresh_store();
    let node = open(store.clone());
    node.execute(&by(1, 1, NOW)).unwrap();
    node.execute(&by(2, 2, NOW + HOUR)).unwrap();
    node.execute(&by(3, 3, NOW + 2 * HOUR)).unwrap();
    assert!(node.highest_nonce(&sender(1)).unwrap().is_some(), "two hours are not longer than two hours");
    node.execute(&by(3, 4, NOW + 2 * HOUR + MINUTE - 1)).unwrap();
    assert!(node.highest_nonce(&sender(1)).unwrap().is_some(), "nor by a whole minute");
    node.execute(&by(3, 5, NOW + 2 * HOUR + MINUTE)).unwrap();
    assert_eq!(node.highest_nonce(&sender(1)).unwrap(), None);
    assert_eq!(rows(&*store, SENDERS).len(), 2);
    assert_eq!(rows(&*store, IDLE).len(), 2);
    assert_eq!((cached(&store), rows(&*store, NONCES).len()), (5, 5), "its replies stay");
}

#[test]
fn only_so_many_senders_are_dropped_at_once_and_one_that_returns_stays() {
    let store = fresh_store();
    let node = open(store.clone());
    node.execute(&batch(1, (0..100).map(|name| put(name, 1, "k", "v")).collect())).unwrap();
    node.execute(&by(0, 2, NOW + 3 * HOUR)).unwrap();
    assert_eq!(rows(&*store, SENDERS).len(), 100 - 65, "64 more than the batch can bring: they do not pile up");
    assert_eq!(node.highest_nonce(&sender(0)).unwrap(), Some(2));
    node.execute(&by(0, 3, NOW + 3 * HOUR)).unwrap();
    assert_eq!((rows(&*store, SENDERS).len(), rows(&*store, IDLE).len(), cached(&store)), (1, 1, 102));
}
