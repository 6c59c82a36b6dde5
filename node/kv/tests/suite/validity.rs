//! Agreed time, and what is no longer or not yet valid at it.

use crate::support::{
    self, HOUR, NOW, at, batch, batch_at, fresh, fresh_store, get, noop, open, put, replicated, sender,
    transaction_until,
};
use tetrarch_crypto::MerkleTree;
use tetrarch_kv::Command;
use tetrarch_types::{Outcome, SeqNum, result_leaf};

fn outcome_of(stamp: u64, valid_until: u64) -> Outcome {
    let node = fresh();
    let one = transaction_until(1, 0, valid_until, &Command::put("k", "v"));
    let executed = node.execute(&batch_at(1, stamp, vec![one.clone()])).unwrap();
    let reply = &executed.replies[0];
    assert_eq!(node.reply(&one.id()).unwrap().as_ref(), Some(reply));
    assert!(node.is_spent(&sender(1), 0).unwrap(), "the nonce is spent in any case");
    assert_eq!(reply.path.root_from(result_leaf(&one.id(), &reply.outcome)), Some(executed.results_root));
    assert_eq!(get(&node, "k").is_some(), matches!(reply.outcome, Outcome::Executed(_)));
    reply.outcome.clone()
}

#[test]
fn the_end_of_validity_is_inclusive_on_both_sides() {
    assert!(matches!(outcome_of(NOW, NOW), Outcome::Executed(_)));
    assert!(matches!(outcome_of(NOW, NOW + HOUR), Outcome::Executed(_)));
    assert_eq!(outcome_of(NOW, NOW - 1), Outcome::Expired);
    assert_eq!(outcome_of(NOW, NOW + HOUR + 1), Outcome::ValidTooLong);
    assert_eq!(outcome_of(NOW, u64::MAX), Outcome::ValidTooLong);
}

#[test]
fn agreed_time_takes_the_later_of_stamp_and_itself() {
    let node = fresh();
    node.execute(&batch_at(1, NOW, vec![put(1, 1, "k", "v")])).unwrap();
    node.execute(&batch_at(2, NOW - HOUR, vec![put(1, 2, "k", "v")])).unwrap();
    assert_eq!(node.agreed_time(), at(NOW));
    let late = transaction_until(1, 3, NOW - 1, &Command::put("k", "late"));
    let executed = node.execute(&batch_at(3, NOW - HOUR, vec![late])).unwrap();
    assert_eq!(executed.replies[0].outcome, Outcome::Expired, "by agreed time, whatever the stamp says");
    node.execute(&batch_at(4, NOW + 1, vec![put(1, 4, "k", "v")])).unwrap();
    assert_eq!(node.agreed_time(), at(NOW + 1));
}

#[test]
fn a_gap_filler_moves_nothing() {
    let store = fresh_store();
    let node = open(store.clone());
    node.execute(&batch(1, vec![put(1, 1, "k", "v")])).unwrap();
    let before = replicated(&*store);
    let executed = node.execute(&noop(2)).unwrap();
    assert_eq!(executed.results_root, MerkleTree::new(Vec::new()).root());
    assert!(executed.replies.is_empty());
    assert_eq!((node.executed().get(), node.agreed_time(), node.revision().unwrap()), (2, at(NOW), 2));
    let changed: Vec<_> = replicated(&*store).into_iter().filter(|table| !before.contains(table)).collect();
    let moved = ["execution.progress", "execution.changed"];
    assert!(changed.iter().all(|(table, _)| moved.contains(&table.name())), "{changed:?}");
}

#[test]
fn a_stamp_without_transactions_moves_time() {
    let node = fresh();
    node.execute(&batch(1, vec![put(1, 1, "k", "v")])).unwrap();
    let executed = node.execute(&batch_at(2, NOW + HOUR, Vec::new())).unwrap();
    assert_eq!(executed.results_root, MerkleTree::new(Vec::new()).root());
    assert!(executed.replies.is_empty());
    assert_eq!((node.agreed_time(), node.revision().unwrap()), (at(NOW + HOUR), 2));
    node.execute(&batch_at(3, NOW, Vec::new())).unwrap();
    assert_eq!(node.agreed_time(), at(NOW + HOUR), "never back");
}

#[test]
fn an_empty_batch_can_be_a_checkpoint() {
    let node = fresh();
    let roots: Vec<_> = (1..=support::INTERVAL).map(|seq| node.execute(&noop(seq)).unwrap().checkpoint).collect();
    assert!(roots[..3].iter().all(Option::is_none));
    assert_eq!(node.last_checkpoint(), (SeqNum::new(support::INTERVAL), roots[3].unwrap()));
}
