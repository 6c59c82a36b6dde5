//! Folding what changed before a checkpoint asks for it: much at a time would keep clients waiting. It is each node's own affair.

use std::ops::Range;
use std::sync::Arc;

use crate::support::{Node, batch, chain, genesis, transaction};
use tetrarch_kv::tree::{changed_rows, rebuild};
use tetrarch_kv::{Command, Executed, Execution, KvMachine, PutRequest, Request, Retention};
use tetrarch_storage::{FaultyStore, MemoryStore, Store};
use tetrarch_types::{CommittedBatch, Membership, SeqNum};

const INTERVAL: u64 = 32;

/// Some nine thousand changes in an interval.
const PUTS: u64 = 300;
const KEYS: u64 = 5_000;

fn membership() -> Membership {
    chain(genesis(), INTERVAL)
}

fn open<S: Store>(store: &Arc<S>) -> Node<Arc<S>> {
    Execution::open(KvMachine, Arc::clone(store), &membership(), Retention::default()).unwrap()
}

fn fresh<S: Store>(store: S) -> (Arc<S>, Node<Arc<S>>) {
    let store = Arc::new(store);
    Node::<Arc<S>>::init(&store, &membership()).unwrap();
    let node = open(&store);
    (store, node)
}

/// Puts, a hundred under each signature. Each seventh batch takes away what others put.
fn large(seq: u64) -> CommittedBatch {
    let key = |number: u64| format!("a key of the usual length/{:08}", number % KEYS);
    let put = |number| Request::Put(PutRequest::new(key(number), format!("{seq}")));
    let bundle = |(nonce, numbers): (u64, Range<u64>)| {
        transaction(1, seq * 100 + nonce, &Command::new(numbers.map(put).collect::<Vec<_>>()))
    };
    let taken = transaction(2, seq, &Command::delete_prefix(format!("a key of the usual length/{:06}", seq % 50)));
    let first = seq * PUTS;
    let puts = (0..).zip((first..first + PUTS).step_by(100)).map(|(nonce, from)| bundle((nonce, from..from + 100)));
    batch(seq, if seq.is_multiple_of(7) { vec![taken] } else { puts.collect() })
}

fn is_sound<S: Store>(node: &Node<S>) -> bool {
    let mut sound = true;
    node.check_state(&mut |_| sound = false).unwrap();
    sound
}

fn step<S: Store>(node: &Node<S>, seq: u64) -> Executed {
    node.execute(&large(seq)).unwrap()
}

#[test]
fn the_roots_are_the_same_however_much_was_folded_before() {
    let ((store, steady), (restless_store, mut restless)) = (fresh(MemoryStore::new()), fresh(FaultyStore::new()));
    let (mut early, mut all) = (0, Vec::new());
    for seq in 1..=3 * INTERVAL {
        let before = changed_rows(&*store).unwrap();
        let executed = step(&steady, seq);
        assert_eq!(executed, step(&restless, seq));
        assert_eq!(executed.checkpoint.is_some(), seq.is_multiple_of(INTERVAL));
        let folded = changed_rows(&*store).unwrap() < before;
        early += u64::from(folded && executed.checkpoint.is_none());
        all.push(executed);
        if seq % 5 == 0 {
            // The power fails in the middle of what it folds: it has forgotten how far it was, and the last batches.
            let lost = (seq / 5 % 4) as usize;
            restless_store.crash(|unsynced| unsynced.saturating_sub(lost));
            restless = open(&restless_store);
            assert!(is_sound(&restless) && is_sound(&steady), "behind batch {seq}");
            for again in restless.executed().get() + 1..=seq {
                assert_eq!(step(&restless, again), all[again as usize - 1]);
            }
        }
    }
    assert!(early > 3, "{early} times something was folded early");
    let rooted = Node::<Arc<MemoryStore>>::rooted_tables(&KvMachine);
    let by_definition = rebuild(&store, &rooted, &mut |lost| panic!("{lost}")).unwrap();
    assert_eq!(steady.last_checkpoint(), (SeqNum::new(3 * INTERVAL), by_definition));
}

#[test]
fn little_is_left_for_the_checkpoint() {
    let (store, node) = fresh(MemoryStore::new());
    for seq in 1..2 * INTERVAL {
        step(&node, seq);
        if seq == INTERVAL {
            assert_eq!(changed_rows(&*store).unwrap(), 0, "behind a checkpoint");
        }
    }
    // The lists of a pass stay until its end, and of those at most a few batches are behind it.
    let left = changed_rows(&*store).unwrap();
    assert!(left < 12 * PUTS, "{left} rows are not known to be folded in front of a checkpoint");
}

#[test]
fn a_little_is_not_folded_early() {
    let (store, node) = fresh(MemoryStore::new());
    let mut before = changed_rows(&*store).unwrap();
    for seq in 1..INTERVAL {
        let put = transaction(1, seq, &Command::put(format!("key {seq}"), "value"));
        node.execute(&batch(seq, vec![put])).unwrap();
        let now = changed_rows(&*store).unwrap();
        assert!(now > before, "folded behind batch {seq}");
        before = now;
    }
}
