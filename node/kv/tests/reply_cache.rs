//! Replies: the same on every replica, there after a reopening, and gone in time.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use support::{HOUR, NOW, batch, batch_at, fresh, fresh_store, open, put, rows, sender, transaction_until};
use tetrarch_kv::{Command, Fate};
use tetrarch_storage::Table;
use tetrarch_types::{CommittedBatch, Transaction, limits::NONCE_WINDOW, result_leaf};

const REPLIES: Table = Table::new("execution.replies");
const NONCES: Table = Table::new("execution.nonces");
const SENDERS: Table = Table::new("execution.senders");
const IDLE: Table = Table::new("execution.idle");

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
    let fate = |one: &Transaction| node.fate(&one.id(), &one.body.sender, one.body.nonce).unwrap();
    let first = put(1, 5, "k", "v");
    assert_eq!(fate(&first), Fate::Open);
    node.execute(&batch(1, vec![first.clone()])).unwrap();
    assert!(matches!(fate(&first), Fate::Settled(_)));
    assert_eq!(fate(&put(1, 5, "k", "other")), Fate::Never, "another transaction spent it");
    assert_eq!(fate(&put(1, 6, "k", "v")), Fate::Open);
    assert_eq!(fate(&put(2, 5, "k", "v")), Fate::Open, "another sender's");
    node.execute(&batch(2, vec![put(1, 10 * NONCE_WINDOW, "k", "v")])).unwrap();
    assert!(matches!(fate(&first), Fate::Settled(_)), "the window moved past it; its reply is kept");
    assert_eq!(fate(&put(1, 6, "k", "v")), Fate::Never, "it fell out of the window");
    for seq in 0..NONCE_WINDOW / 1_024 {
        let from = 10 * NONCE_WINDOW + 1 + seq * 1_024;
        node.execute(&batch(3 + seq, (from..from + 1_024).map(|nonce| put(1, nonce, "k", "v")).collect())).unwrap();
    }
    assert_eq!(fate(&first), Fate::Forgotten, "4096 later replies pushed it out");
    assert_eq!(fate(&put(1, 5, "k", "other")), Fate::Forgotten);
}

#[test]
fn the_cache_of_a_busy_sender_stays_within_a_window() {
    let store = fresh_store();
    let node = open(store.clone());
    for seq in 1..=12_u64 {
        let transactions = (0..1_000).map(|index| put(1, seq * 1_000 + index, "k", "v")).collect();
        node.execute(&batch(seq, transactions)).unwrap();
    }
    assert_eq!(rows(&*store, REPLIES).len() as u64, NONCE_WINDOW);
    assert_eq!(rows(&*store, NONCES).len() as u64, NONCE_WINDOW);
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
fn an_idle_sender_is_dropped_with_its_replies() {
    let store = fresh_store();
    let node = open(store.clone());
    node.execute(&by(1, 1, NOW)).unwrap();
    node.execute(&by(2, 2, NOW + HOUR)).unwrap();
    node.execute(&by(3, 3, NOW + 2 * HOUR)).unwrap();
    assert!(node.highest_nonce(&sender(1)).unwrap().is_some(), "two hours are not longer than two hours");
    node.execute(&by(3, 4, NOW + 2 * HOUR + 1)).unwrap();
    assert_eq!(node.highest_nonce(&sender(1)).unwrap(), None);
    assert_eq!(rows(&*store, SENDERS).len(), 2);
    assert_eq!(rows(&*store, IDLE).len(), 2);
    assert_eq!((rows(&*store, REPLIES).len(), rows(&*store, NONCES).len()), (3, 3));
}

#[test]
fn only_so_many_senders_are_dropped_at_once_and_one_that_returns_stays() {
    let store = fresh_store();
    let node = open(store.clone());
    node.execute(&batch(1, (0..100).map(|name| put(name, 1, "k", "v")).collect())).unwrap();
    node.execute(&by(0, 2, NOW + 3 * HOUR)).unwrap();
    assert_eq!(rows(&*store, SENDERS).len(), 100 - 64);
    assert_eq!(node.highest_nonce(&sender(0)).unwrap(), Some(2));
    node.execute(&by(0, 3, NOW + 3 * HOUR)).unwrap();
    assert_eq!((rows(&*store, SENDERS).len(), rows(&*store, IDLE).len(), rows(&*store, REPLIES).len()), (1, 1, 3));
}

#[test]
fn a_sender_with_many_replies_is_dropped_over_several_batches() {
    let store = fresh_store();
    let node = open(store.clone());
    for seq in 1..=5_u64 {
        let name = u8::try_from(seq % 2).unwrap();
        node.execute(&batch(seq, (0..1_024).map(|index| put(name, seq / 2 * 1_024 + index, "k", "v")).collect()))
            .unwrap();
    }
    let replies = rows(&*store, REPLIES).len();
    assert_eq!(replies, 5 * 1_024);
    node.execute(&by(9, 6, NOW + 3 * HOUR)).unwrap();
    assert_eq!(rows(&*store, REPLIES).len(), replies - 4_096 + 1);
    assert_eq!(rows(&*store, SENDERS).len(), 2, "one of the two is still remembered, with the newcomer");
    node.execute(&by(9, 7, NOW + 3 * HOUR)).unwrap();
    assert_eq!((rows(&*store, REPLIES).len(), rows(&*store, SENDERS).len()), (2, 1));
    assert_eq!(rows(&*store, NONCES).len(), 2);
}
