//! The same batches make the same bytes: on two nodes, with reopenings in between, and when they are played again.

use crate::requests;
use std::sync::Arc;

use crate::support::{
    self, HOUR, NOW, Node, batch_at, chain, dump, fresh, fresh_store, genesis, open, open_with, put, replicated,
    transaction_until,
};
use proptest::prelude::*;
use tetrarch_crypto::Digest;
use tetrarch_kv::{Command, Execution, KvMachine, Retention};
use tetrarch_storage::MemoryStore;
use tetrarch_types::CommittedBatch;

fn command() -> impl Strategy<Value = Command> {
    prop::collection::vec(requests::request(), 0..4).prop_map(Command::new)
}

/// Few senders and nonces, so that many are repeated; stamps that jump, also backwards, and past what is kept.
fn history() -> impl Strategy<Value = Vec<CommittedBatch>> {
    let one = (0_u8..4, prop_oneof![0_u64..20, 0_u64..10_000], 0_u64..3 * HOUR, command());
    let step = (prop_oneof![3 => 0..HOUR / 8, 1 => 0..4 * HOUR], prop::collection::vec(one, 0..5));
    prop::collection::vec(step, 1..24).prop_map(|steps| {
        let mut now = NOW;
        let batches = (1..).zip(steps).map(|(seq, (step, transactions))| {
            let stamp = now.saturating_sub(HOUR / 16) + step;
            now = now.max(stamp);
            let body = |(name, nonce, valid, command)| transaction_until(name, nonce, stamp - HOUR + valid, &command);
            batch_at(seq, stamp, transactions.into_iter().map(body).collect())
        });
        batches.collect()
    })
}

proptest! {
    #[test]
    fn the_same_batches_make_the_same_state(batches in history(), reopen in prop::collection::vec(any::<bool>(), 24)) {
        let (steady_store, restless_store) = (fresh_store(), fresh_store());
        let steady = open(steady_store.clone());
        let mut restless = open(restless_store.clone());
        for (committed, reopen) in batches.iter().zip(reopen) {
            if reopen {
                restless = open(restless_store.clone());
            }
            let executed = steady.execute(committed).unwrap();
            prop_assert_eq!(&restless.execute(committed).unwrap(), &executed);
            prop_assert_eq!(executed.checkpoint.is_some(), committed.seq.is_multiple_of(support::INTERVAL));
        }
        prop_assert_eq!(dump(&*steady_store), dump(&*restless_store));

        // What the ledger gives a peer that lags leads it to the same state.
        let late_store = fresh_store();
        let late = open_with(late_store.clone(), Retention { batches: 2, ..Retention::default() });
        for committed in steady.committed_after(late.executed()).unwrap() {
            late.execute(&committed).unwrap();
        }
        prop_assert_eq!(replicated(&*late_store), replicated(&*steady_store), "whatever each of them retains");
        prop_assert_eq!(late.applied().unwrap(), steady.applied().unwrap());

        // Played once more at other numbers, while all of it is remembered, it changes neither records nor revision.
        let revision = steady.revision().unwrap();
        for committed in batches {
            let seq = steady.executed().next().get();
            let executed = steady.execute(&batch_at(seq, 0, committed.transactions)).unwrap();
            let dropped = |reply: &tetrarch_kv::StoredReply| !matches!(reply.outcome, tetrarch_types::Outcome::Executed(_));
            prop_assert!(executed.replies.iter().all(dropped), "only what was forgotten is answered, and not executed");
        }
        prop_assert_eq!(steady.revision().unwrap(), revision);
    }
}

fn root_after(committed: &CommittedBatch) -> Digest {
    let store = Arc::new(MemoryStore::new());
    let chain = chain(genesis(), 1);
    Node::<Arc<MemoryStore>>::init(&store, &chain).unwrap();
    let node = Execution::open(KvMachine, store, &chain, Retention::default()).unwrap();
    node.execute(committed).unwrap().checkpoint.unwrap()
}

#[test]
fn the_root_tells_states_apart() {
    let base = root_after(&batch_at(1, NOW, vec![put(1, 1, "k", "v")]));
    assert_eq!(base, root_after(&batch_at(1, NOW, vec![put(1, 1, "k", "v")])));
    for other in [
        batch_at(1, NOW, vec![put(1, 1, "k", "w")]),
        batch_at(1, NOW, vec![put(1, 1, "l", "v")]),
        batch_at(1, NOW, vec![put(1, 2, "k", "v")]),
        batch_at(1, NOW, vec![put(2, 1, "k", "v")]),
        batch_at(1, NOW + 1, vec![put(1, 1, "k", "v")]),
        batch_at(1, NOW, vec![put(1, 1, "k", "v"), put(1, 2, "k", "v")]),
    ] {
        assert_ne!(root_after(&other), base);
    }
}

/// Whoever changes what is hashed, or how rows are encoded, makes another protocol: this digest must then change on purpose.
#[test]
fn the_root_of_a_known_history_is_known() {
    let node = fresh();
    for seq in 1..=support::INTERVAL {
        let own = put(2, seq, &format!("k{seq}"), "w");
        node.execute(&batch_at(seq, NOW + seq, vec![put(1, seq, "k", "v"), own])).unwrap();
    }
    let (seq, root) = node.last_checkpoint();
    assert_eq!(seq.get(), support::INTERVAL);
    assert_eq!(root.to_string(), "9bd22d27a5c05825e13f266cfb83a707db5f8e0c9ee9c477675bc3ad62ec193c");
}
