//! A transaction executes once, whatever batches say and whatever happens in between.

use crate::support::{batch, fresh, fresh_store, get, only, open, put, replicated, sender, transaction};
use tetrarch_kv::{Command, Expected};
use tetrarch_storage::{Pair, Table};

#[test]
fn a_nonce_repeated_in_a_batch_executes_the_first_time_only() {
    let node = fresh();
    let executed = node.execute(&batch(1, vec![put(1, 5, "k", "one"), put(1, 5, "k", "two")])).unwrap();
    assert_eq!(executed.replies.len(), 1);
    assert_eq!(get(&node, "k").unwrap(), "one");
    assert_eq!(node.revision().unwrap(), 2);
    assert!(node.reply(&put(1, 5, "k", "two").id()).unwrap().is_none(), "a skipped transaction has no reply");
}

#[test]
fn a_nonce_of_an_earlier_batch_is_skipped_and_its_reply_stays() {
    let node = fresh();
    node.execute(&batch(1, vec![put(1, 5, "k", "one")])).unwrap();
    let before = node.reply(&put(1, 5, "k", "one").id()).unwrap().unwrap();
    let executed = node.execute(&batch(2, vec![put(1, 5, "k", "one"), put(2, 5, "l", "other sender")])).unwrap();
    assert_eq!(executed.replies.len(), 1);
    assert_eq!(executed.replies[0].path.leaves, 1, "no leaf for what is skipped");
    assert_eq!(node.reply(&put(1, 5, "k", "one").id()).unwrap().unwrap(), before);
    assert_eq!(node.revision().unwrap(), 3);
}

#[test]
fn spent_nonces_survive_reopening() {
    let store = fresh_store();
    let counter = transaction(1, 0, &Command::compare_and_swap("k", Expected::Absent, Some(b"v".to_vec())));
    open(store.clone()).execute(&batch(1, vec![counter.clone()])).unwrap();
    let node = open(store);
    assert!(node.is_spent(&sender(1), 0).unwrap());
    assert!(node.execute(&batch(2, vec![counter])).unwrap().replies.is_empty());
}

#[test]
fn a_batch_decided_at_two_numbers_executes_once() {
    let store = fresh_store();
    let node = open(store.clone());
    let transactions = vec![put(1, 1, "a", "1"), put(1, 2, "b", "2"), put(2, 1, "c", "3")];
    node.execute(&batch(1, transactions.clone())).unwrap();
    let mut before = replicated(&*store);
    let executed = node.execute(&batch(2, transactions)).unwrap();
    assert!(executed.replies.is_empty());
    let mut after = replicated(&*store);
    let progress =
        |rows: &(Table, Vec<Pair>)| rows.0.name() != "execution.progress" && rows.0.name() != "execution.changed";
    before.retain(progress);
    after.retain(progress);
    assert_eq!(before, after);
}

#[test]
fn senders_have_nonces_of_their_own_and_in_any_order() {
    let node = fresh();
    for (seq, nonce) in [(1, 9), (2, 3), (3, 7)] {
        let key = format!("k{nonce}");
        only(&node.execute(&batch(seq, vec![put(1, nonce, &key, "v")])).unwrap());
    }
    assert_eq!(node.highest_nonce(&sender(1)).unwrap(), Some(9));
    assert_eq!(node.highest_nonce(&sender(2)).unwrap(), None);
    assert!(!node.is_spent(&sender(1), 8).unwrap());
    assert!(!node.is_spent(&sender(2), 9).unwrap());
}

#[test]
fn batches_execute_in_order_and_with_their_bodies() {
    let node = fresh();
    for seq in [0, 2, u64::MAX] {
        assert!(
            node.execute(&batch(seq, vec![put(1, 1, "k", "v")])).unwrap_err().to_string().contains("cannot execute")
        );
    }
    let mut short = batch(1, vec![put(1, 1, "k", "v")]);
    short.transactions.clear();
    assert!(node.execute(&short).unwrap_err().to_string().contains("0 bodies"));
    node.execute(&batch(1, vec![put(1, 1, "k", "v")])).unwrap();
    node.execute(&batch(1, vec![put(1, 2, "k", "v")])).unwrap_err();
    assert_eq!(node.executed().get(), 1);
}
