//! Replacing a state by that of a checkpoint: a note in front, one write at the end, and nothing said in between.

use std::sync::Arc;

use crate::support::{
    INTERVAL, Node, batch, dump, fresh_store, get, membership, noop, open, put, replicated, rows, sender,
};
use tetrarch_kv::{ExecuteError, Fate, InstallError, KvQuery, QueryError};
use tetrarch_storage::{Durability, FaultyStore, MemoryStore, Reader, Store, Table, WriteBatch};
use tetrarch_types::{Applied, CheckpointCertificate, CommittedBatch, SeqNum, encode};

fn history(count: u64) -> Vec<CommittedBatch> {
    (1..=count).map(|seq| batch(seq, vec![put(1, seq, &format!("k{seq}"), "v"), put(2, seq, "k", "w")])).collect()
}

/// A replica that executed two checkpoints' worth, and the certificate of its last checkpoint.
fn donor() -> (Arc<MemoryStore>, Node, CheckpointCertificate) {
    let store = fresh_store();
    let node = open(store.clone());
    history(2 * INTERVAL).iter().for_each(|committed| drop(node.execute(committed).unwrap()));
    let (seq, state_root) = node.last_checkpoint();
    (store, node, CheckpointCertificate { seq, state_root, votes: Vec::new() })
}

/// What a transfer does, at one go: the tables that replicas share become the donor's.
fn copy(from: &dyn Reader, to: &dyn Store) {
    let mut batch = WriteBatch::new();
    for (table, pairs) in replicated(to) {
        pairs.into_iter().for_each(|(key, _)| batch.delete(table, key));
    }
    for (table, pairs) in replicated(from) {
        pairs.into_iter().for_each(|(key, value)| batch.put(table, key, value));
    }
    to.write(batch, Durability::Buffered).unwrap();
}

fn assert_says_nothing<S: Store>(node: &Node<S>) {
    let one = put(1, 1, "k1", "v");
    assert_eq!(node.applied().unwrap(), Applied { damaged: true, ..Applied::default() });
    assert_eq!(node.query(&KvQuery::get("k").encode()), Err(QueryError::Damaged));
    assert_eq!(node.fate(&one.id(), &one.body), Err(QueryError::Damaged));
    assert_eq!(node.reply(&one.id()), Err(QueryError::Damaged));
    assert_eq!(node.highest_nonce(&sender(1)), Err(QueryError::Damaged));
    assert_eq!(node.is_spent(&sender(1), 1), Err(QueryError::Damaged));
    assert_eq!(node.revision(), Err(QueryError::Damaged));
    let next = noop(node.executed().get() + 1);
    assert_eq!(node.execute(&next), Err(ExecuteError::Damaged { offered: next.seq }));
}

#[test]
fn an_installed_state_goes_on_like_the_one_it_came_from() {
    let (donor_store, donor, certificate) = donor();
    let store = fresh_store();
    let node = open(store.clone());
    history(3).iter().for_each(|committed| drop(node.execute(committed).unwrap()));
    assert_eq!(node.install_target(), None);
    node.begin_install(Some(&certificate)).unwrap();
    assert_eq!(node.install_target(), Some(certificate.clone()));
    assert_says_nothing(&node);
    assert_eq!(node.committed_after(SeqNum::ZERO).unwrap().len(), 3, "the ledger proves itself");
    copy(&*donor_store, &store);
    assert_says_nothing(&node);

    let applied = node.finish_install(&certificate).unwrap();
    assert_eq!(applied, node.applied().unwrap());
    assert_eq!(applied.senders, donor.applied().unwrap().senders);
    assert_eq!(applied.checkpoints, [(certificate.seq, certificate.state_root)]);
    assert_eq!((applied.executed, applied.damaged), (certificate.seq, false));
    for table in ["execution.ledger", "execution.bodies", "execution.places"] {
        assert!(rows(&*store, Table::new(table)).is_empty(), "{table}");
    }
    assert!(node.committed_after(SeqNum::ZERO).unwrap().is_empty());
    assert!(matches!(node.fate(&put(1, 1, "k1", "v").id(), &put(1, 1, "k1", "v").body).unwrap(), Fate::Settled(_)));

    for committed in &history(4 * INTERVAL)[usize::try_from(2 * INTERVAL).unwrap()..] {
        assert_eq!(node.execute(committed).unwrap(), donor.execute(committed).unwrap());
    }
    assert_eq!(replicated(&*store), replicated(&*donor_store));
    assert_eq!(node.committed_after(certificate.seq).unwrap().len() as u64, 2 * INTERVAL);
    assert_eq!(open(store.clone()).applied().unwrap(), node.applied().unwrap());
}

/// The wrong state was frozen at the same checkpoint: its snapshot must not pass for that of the right one.
#[test]
fn what_was_frozen_of_the_state_before_is_not_served() {
    let (donor_store, _, certificate) = donor();
    let store = fresh_store();
    let node = open(store.clone());
    (1..=2 * INTERVAL).for_each(|seq| drop(node.execute(&noop(seq)).unwrap()));
    let frozen = || store.snapshot(certificate.seq.get()).unwrap().map(|snapshot| replicated(&*snapshot));
    assert_ne!(frozen(), Some(replicated(&*donor_store)));
    node.begin_install(Some(&certificate)).unwrap();
    copy(&*donor_store, &store);
    node.finish_install(&certificate).unwrap();
    assert_eq!(frozen(), Some(replicated(&*donor_store)));
    assert_eq!(store.snapshots().unwrap(), [certificate.seq.get()], "nor what was frozen before");
}

#[test]
fn the_note_survives_a_crash_and_so_does_the_end() {
    let (donor_store, _, certificate) = donor();
    let store = Arc::new(FaultyStore::new());
    Node::<Arc<FaultyStore>>::init(&store, &membership()).unwrap();
    let node = open(store.clone());
    node.execute(&batch(1, vec![put(1, 1, "k", "v")])).unwrap();
    node.begin_install(None).unwrap();
    store.crash(|_| 0);

    let node = open(store.clone());
    assert_says_nothing(&node);
    assert_eq!(node.install_target(), None, "it was not known yet");
    node.begin_install(Some(&certificate)).unwrap();
    copy(&*donor_store, &store);
    store.crash(|_| 0);

    let node = open(store.clone());
    assert_says_nothing(&node);
    assert_eq!(node.install_target(), Some(certificate.clone()));
    copy(&*donor_store, &store);
    node.finish_install(&certificate).unwrap();
    store.crash(|_| 0);
    let node = open(store);
    assert_eq!((node.executed(), node.applied().unwrap().damaged), (certificate.seq, false));
    assert_eq!(get(&node, "k").unwrap(), "w");
}

#[test]
fn what_is_not_the_certified_state_is_not_taken_for_it() {
    let (donor_store, _, certificate) = donor();
    let store = fresh_store();
    let node = open(store.clone());
    assert_eq!(node.finish_install(&certificate), Err(InstallError::NotBegun));
    assert_eq!(node.restart_from_genesis(), Err(InstallError::NotBegun));
    node.begin_install(Some(&certificate)).unwrap();
    let (due, executed) = (certificate.seq, SeqNum::ZERO);
    assert_eq!(node.finish_install(&certificate), Err(InstallError::OtherBatch { due, executed }));

    let spoil = |table: &'static str, key: &str, value: &[u8]| {
        copy(&*donor_store, &store);
        let mut batch = WriteBatch::new();
        batch.put(Table::new(table), key, value);
        store.write(batch, Durability::Buffered).unwrap();
        let before = dump(&*store);
        let refused = node.finish_install(&certificate).unwrap_err();
        assert_eq!(dump(&*store), before);
        refused
    };
    let empty_page = encode(&tetrarch_crypto::state_tree::Page::default());
    assert!(matches!(spoil("execution.tree", "", &empty_page), InstallError::OtherRoot { .. }));
    assert!(matches!(spoil("execution.configuration", "genesis", b"rot"), InstallError::Store(_)));
    assert!(matches!(spoil("execution.progress", "progress", b"rot"), InstallError::Store(_)));
    assert_says_nothing(&node);
    copy(&*donor_store, &store);
    node.finish_install(&certificate).unwrap();
}

#[test]
fn a_chain_without_a_stable_checkpoint_starts_again() {
    let store = fresh_store();
    let empty = dump(&*store);
    let node = open(store.clone());
    let batches = history(INTERVAL + 1);
    batches.iter().for_each(|committed| drop(node.execute(committed).unwrap()));
    let whole = dump(&*store);
    node.begin_install(None).unwrap();
    assert_eq!(store.snapshots().unwrap(), [INTERVAL]);
    assert_eq!(node.restart_from_genesis().unwrap(), Applied::default());
    assert_eq!((dump(&*store), store.snapshots().unwrap()), (empty, vec![]));
    batches.iter().for_each(|committed| drop(node.execute(committed).unwrap()));
    assert_eq!(dump(&*store), whole);
}

#[test]
fn a_note_that_cannot_be_written_changes_nothing() {
    let store = Arc::new(FaultyStore::new());
    Node::<Arc<FaultyStore>>::init(&store, &membership()).unwrap();
    let node = open(store.clone());
    store.fail_write_at(0, tetrarch_storage::FailureKind::Io);
    assert!(node.begin_install(None).is_err());
    assert!(!node.applied().unwrap().damaged);
}
