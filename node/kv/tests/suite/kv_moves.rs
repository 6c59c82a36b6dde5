//! Asking the primary to give way, as the store sees it (rule V-10): once a minute of agreed time, whoever asks and whatever view is named.

use std::sync::Arc;

use crate::support::{self, NOW, Node, at, batch_at, fresh_store, noop, open, result, transaction_until};
use tetrarch_kv::store::bounds::MOVE_INTERVAL;
use tetrarch_kv::{Command, KvError, KvMachine, Request, Response};
use tetrarch_storage::MemoryStore;
use tetrarch_types::View;

const SECOND: u64 = 1_000_000;

fn ask(view: u64) -> Request {
    Request::MovePrimary { view: View::new(view) }
}

/// Executes requests as one command, so many microseconds behind the start; what came of them, and the view that is to be left.
fn run(
    node: &Node,
    micros: u64,
    requests: impl IntoIterator<Item = Request>,
) -> (Vec<Result<Response, KvError>>, Option<u64>) {
    let (seq, now) = (node.executed().next().get(), NOW + micros);
    let one = transaction_until(1, seq, NOW + 1_800 * SECOND, &Command::new(requests));
    let executed = node.execute(&batch_at(seq, now, vec![one])).unwrap();
    let results = result(&executed.replies[0].outcome).results.unwrap();
    let responses = results.into_iter().map(|one| one.map(|answered| answered.response)).collect();
    (responses, executed.leaves.map(View::get))
}

fn refused_until(micros: u64) -> Result<Response, KvError> {
    Err(KvError::MovedRecently { next: at(NOW + micros).plus(MOVE_INTERVAL) })
}

#[test]
fn the_primary_is_asked_once_a_minute() {
    let node = support::fresh();
    assert_eq!(run(&node, 0, [ask(4)]), (vec![Ok(Response::PrimaryAsked)], Some(4)), "the first is never too soon");
    assert_eq!(run(&node, 1, [ask(4)]), (vec![refused_until(0)], None));
    assert_eq!(run(&node, 60 * SECOND - 1, [ask(5)]), (vec![refused_until(0)], None), "nor another view's");
    let again = run(&node, 60 * SECOND, [ask(0), ask(1), Request::put("k", "v")]);
    let put = Ok(Response::Put { version: 1, previous: None });
    assert_eq!(again, (vec![Ok(Response::PrimaryAsked), refused_until(60 * SECOND), put], Some(0)));
}

#[test]
fn only_the_batch_that_asks_has_the_view_left() {
    let node = support::fresh();
    assert_eq!(run(&node, 0, [ask(2)]).1, Some(2));
    assert_eq!(node.execute(&noop(2)).unwrap().leaves, None);
    assert_eq!(node.execute(&batch_at(3, NOW + 1, Vec::new())).unwrap().leaves, None);
    assert_eq!(run(&node, 2, [Request::put("k", "v")]).1, None);
}

#[test]
fn it_moves_no_revision() {
    let node = support::fresh();
    run(&node, 0, [Request::put("k", "v")]);
    let before = node.revision().unwrap();
    run(&node, 1, [ask(0)]);
    assert_eq!(node.revision().unwrap(), before);
}

#[test]
fn when_it_was_asked_is_part_of_the_replicated_state() {
    let store = fresh_store();
    run(&open(store.clone()), 0, [ask(0)]);
    assert_eq!(run(&open(store.clone()), SECOND, [ask(0)]).0, [refused_until(0)], "a restart forgets nothing");
    let is_rooted = |table| Node::<Arc<MemoryStore>>::rooted_tables(&KvMachine).contains(&table);
    let tables = support::dump(&*store).into_iter();
    let held: Vec<_> = tables.filter(|(_, rows)| rows.iter().any(|(key, _)| key == b"move")).collect();
    assert!(held.len() == 1 && is_rooted(held[0].0), "under the root, so that transfers and proofs have it: {held:?}");
}
