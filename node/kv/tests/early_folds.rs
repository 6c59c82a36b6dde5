//! Folding what changed before a checkpoint asks for it: much at a time would keep clients waiting. It is each node's own affair.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use std::sync::Arc;

use support::{INTERVAL, Node, batch, fresh_store, open, transaction};
use tetrarch_kv::tree::{changed_rows, rebuild};
use tetrarch_kv::{Command, KvMachine, PutRequest, Request};
use tetrarch_storage::MemoryStore;
use tetrarch_types::{CommittedBatch, SeqNum};

const PUTS: u64 = 9_000;

/// About nine thousand rows under the root change with it: the records, and some that tell what happened.
fn large(seq: u64) -> CommittedBatch {
    let puts = |range: std::ops::Range<u64>| {
        let one =
            |number| Request::Put(PutRequest::new(format!("a key of the usual length/{number:08}"), format!("{seq}")));
        Command::new(range.map(one).collect::<Vec<_>>())
    };
    let bundle = |(nonce, from)| transaction(1, seq * 1_000 + nonce, &puts(from..from + 100));
    batch(seq, (0..).zip((0..PUTS).step_by(100)).map(bundle).collect())
}

fn is_sound(node: &Node) -> bool {
    let mut sound = true;
    node.check_state(&mut |_| sound = false).unwrap();
    sound
}

#[test]
fn much_is_folded_early_and_the_roots_are_the_same() {
    let (steady_store, restless_store) = (fresh_store(), fresh_store());
    let steady = open(steady_store.clone());
    let mut restless = open(restless_store.clone());
    let mut folds = 0;
    for seq in 1..=2 * INTERVAL {
        if seq % 3 == 0 {
            // It does not remember what it had noted, and folds at other times.
            restless = open(restless_store.clone());
        }
        let before = changed_rows(&*steady_store).unwrap();
        let (executed, again) = (steady.execute(&large(seq)).unwrap(), restless.execute(&large(seq)).unwrap());
        assert_eq!(executed, again);
        let is_due = executed.seq.is_multiple_of(INTERVAL);
        assert_eq!(executed.checkpoint.is_some(), is_due);
        folds += u64::from(!is_due && changed_rows(&*steady_store).unwrap() <= before);
        assert!(is_sound(&restless), "behind batch {seq}");
    }
    let rooted = Node::<Arc<MemoryStore>>::rooted_tables(&KvMachine);
    let by_definition = rebuild(&steady_store, &rooted, &mut |lost| panic!("{lost}")).unwrap();
    assert_eq!(steady.last_checkpoint(), (SeqNum::new(2 * INTERVAL), by_definition));
    assert!(folds > 0, "nothing was folded early");
}
