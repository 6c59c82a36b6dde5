//! What is worked out before the decision is what is written after it, and nothing else ever comes of it (rule X-2).

use std::sync::Arc;

use crate::support::{self, batch, batch_at, dump, fresh_store, get, membership, noop, open, put, transaction};
use tetrarch_kv::{Command, ExecuteError, Executed, StoredReply};
use tetrarch_storage::{FaultyStore, MemoryStore};
use tetrarch_types::{CheckpointCertificate, CommittedBatch, SeqNum};

type Node = support::Node<Arc<MemoryStore>>;

/// Works a batch out, and says what its clients would be told.
fn foresee(node: &Node, committed: &CommittedBatch) -> Result<Vec<StoredReply>, ExecuteError> {
    node.execute_tentatively(committed.seq, &committed.batch, &committed.transactions)
}

/// Batches with everything in them: puts, repeated transactions, gap fillers, empty ones, and checkpoints.
fn history() -> Vec<CommittedBatch> {
    let one = |seq: u64| put(1, seq, "count", &seq.to_string());
    let of = |seq: u64| match seq % 5 {
        0 => noop(seq),
        1 => batch_at(seq, seq * 1_000, Vec::new()),
        _ => batch(seq, vec![one(seq), one(seq - 1), put(2, seq, &format!("key {seq}"), "v")]),
    };
    (1..=20).map(of).collect()
}

/// Executes a history, after what `before` does with each batch; the state, and what every batch came to.
fn executed(before: impl Fn(&Node, &CommittedBatch)) -> (Arc<MemoryStore>, Vec<Executed>) {
    let store = fresh_store();
    let node = open(Arc::clone(&store));
    let run = |committed: &CommittedBatch| {
        before(&node, committed);
        node.execute(committed).unwrap()
    };
    let came = history().iter().map(run).collect();
    (store, came)
}

#[test]
fn what_was_worked_out_before_is_what_is_executed() {
    let (plain, results) = executed(|_, _| ());
    let (store, foreseen) = executed(|node, committed| {
        let replies = foresee(node, committed).unwrap();
        assert_eq!(foresee(node, committed).unwrap(), replies, "as often as one asks");
    });
    assert_eq!(dump(&*store), dump(&*plain));
    assert_eq!(foreseen, results);
    let told = |committed: &CommittedBatch, executed: &Executed| {
        let node = open(fresh_store());
        history().iter().take_while(|it| it.seq < committed.seq).for_each(|it| drop(node.execute(it).unwrap()));
        assert_eq!(foresee(&node, committed).unwrap(), executed.replies);
    };
    history().iter().zip(&results).for_each(|(committed, executed)| told(committed, executed));
}

#[test]
fn it_changes_nothing() {
    let store = fresh_store();
    let node = open(Arc::clone(&store));
    node.execute(&batch(1, vec![put(1, 1, "k", "one")])).unwrap();
    let before = dump(&*store);
    let next = batch(2, vec![put(1, 2, "k", "two")]);
    let replies = foresee(&node, &next).unwrap();
    assert_eq!(dump(&*store), before);
    assert_eq!((node.executed(), get(&node, "k").unwrap()), (SeqNum::new(1), "one".to_owned()));
    assert_eq!(node.reply(&replies[0].transaction).unwrap(), None);
    node.execute(&next).unwrap();
    assert_eq!(node.reply(&replies[0].transaction).unwrap().as_ref(), Some(&replies[0]));
}

#[test]
fn of_another_batch_it_is_forgotten() {
    let (plain, results) = executed(|_, _| ());
    let others: [fn(u64) -> CommittedBatch; 3] = [
        |seq| batch(seq, vec![put(3, seq, "other", "v")]),
        // The same transactions at another time.
        |seq| batch_at(seq, seq * 1_000 + 500, history()[seq as usize - 1].transactions.clone()),
        |seq| batch(seq, vec![transaction(4, seq, &Command::put("count", "lie"))]),
    ];
    for other in others {
        let (store, came) = executed(|node, committed| drop(foresee(node, &other(committed.seq.get())).unwrap()));
        assert_eq!(dump(&*store), dump(&*plain));
        assert_eq!(came, results);
    }
}

#[test]
fn what_cannot_be_next_is_refused_and_takes_nothing_away() {
    let node = open(fresh_store());
    let next = batch(1, vec![put(1, 1, "k", "one")]);
    foresee(&node, &next).unwrap();
    let not_next = |seq| ExecuteError::NotNext { executed: SeqNum::ZERO, offered: SeqNum::new(seq) };
    assert_eq!(foresee(&node, &batch(2, vec![put(1, 2, "k", "two")])), Err(not_next(2)));
    let mut bare = next.clone();
    bare.transactions.clear();
    let wrong = Err(ExecuteError::WrongBodies { seq: SeqNum::new(1), named: 1, bodies: 0 });
    assert_eq!(foresee(&node, &bare), wrong);
    node.execute(&next).unwrap();
    assert_eq!(get(&node, "k").unwrap(), "one");
}

#[test]
fn a_state_that_is_replaced_takes_it_along() {
    let (store, target) = (fresh_store(), CheckpointCertificate::genesis());
    let node = open(Arc::clone(&store));
    let first = batch(1, vec![put(1, 1, "k", "one")]);
    node.execute(&first).unwrap();
    let next = batch(2, vec![put(1, 2, "k", "two")]);
    foresee(&node, &next).unwrap();
    node.begin_install(Some(&target)).unwrap();
    assert_eq!(foresee(&node, &next), Err(ExecuteError::Damaged { offered: SeqNum::new(2) }));
    node.restart_from_genesis().unwrap();
    // Another history: what was worked out on the first one would show.
    node.execute(&batch(1, vec![put(2, 1, "l", "else")])).unwrap();
    node.execute(&next).unwrap();
    assert_eq!((get(&node, "k"), get(&node, "l")), (Some("two".to_owned()), Some("else".to_owned())));
    assert_eq!(node.revision().unwrap(), 3);
}

/// Found by the simulator (`crashes`, seed 3422541): who had not prepared a batch showed what came of it, lost that with the power, and did not know.
#[test]
fn what_no_record_tells_of_is_durable_before_it_is_seen() {
    let fresh = || {
        let store = Arc::new(FaultyStore::new());
        support::Node::<Arc<FaultyStore>>::init(&store, &membership()).unwrap();
        store
    };
    let only = batch(1, vec![put(1, 1, "k", "one")]);
    let (buffered, synced) = (fresh(), fresh());
    open(Arc::clone(&buffered)).execute(&only).unwrap();
    open(Arc::clone(&synced)).execute_durably(&only).unwrap();
    for store in [&buffered, &synced] {
        store.crash(|_| 0);
    }
    assert_eq!(open(buffered).executed(), SeqNum::ZERO, "the power took it");
    assert_eq!(get(&open(synced), "k").unwrap(), "one");
}
