//! A store is opened as the state of one chain, by a program that knows its format, after an explicit start.

use std::sync::Arc;

use crate::support::{
    self, INTERVAL, NOW, Node, at, batch, chain, dump, fresh_store, genesis, membership, noop, open, put, sender,
};
use tetrarch_crypto::Digest;
use tetrarch_kv::{Context, Execution, KvMachine, OpenError, Overlay, QueryError, Retention, StateMachine};
use tetrarch_storage::{Durability, MemoryStore, Reader, Store, StoreError, Table, WriteBatch};
use tetrarch_types::{SeqNum, encode};

fn try_open(store: Arc<MemoryStore>, genesis: Digest) -> Result<Node, OpenError> {
    Execution::open(KvMachine, store, &chain(genesis, INTERVAL), Retention::default())
}

#[test]
fn an_empty_store_is_not_taken_for_a_new_chain() {
    assert_eq!(try_open(Arc::new(MemoryStore::new()), genesis()).err(), Some(OpenError::NotInitialised));
}

#[test]
fn init_refuses_a_store_that_holds_a_chain() {
    let store = fresh_store();
    open(store.clone()).execute(&batch(1, vec![put(1, 1, "k", "v")])).unwrap();
    let before = dump(&*store);
    for other in [genesis(), Digest::from_bytes([8; 32])] {
        assert_eq!(
            Node::<Arc<MemoryStore>>::init(&store, &chain(other, INTERVAL)),
            Err(OpenError::AlreadyInitialised { chain: genesis() })
        );
    }
    assert_eq!(dump(&*store), before);
}

#[test]
fn another_chains_store_is_refused() {
    let ours = Digest::from_bytes([8; 32]);
    let error = try_open(fresh_store(), ours).err().unwrap();
    assert_eq!(error, OpenError::OtherGenesis { ours, theirs: genesis() });
    assert!(error.to_string().contains("genesis file"), "{error}");
}

#[test]
fn an_unknown_format_is_refused() {
    let store = fresh_store();
    let mut batch = WriteBatch::new();
    batch.put(Table::new("execution.local"), "format", encode(&99_u32));
    store.write(batch, Durability::Synced).unwrap();
    assert_eq!(try_open(store, genesis()).err(), Some(OpenError::UnknownFormat { version: 99 }));
}

fn overwrite(store: &MemoryStore, table: &'static str, key: &str, value: Option<Vec<u8>>) {
    let mut batch = WriteBatch::new();
    match value {
        Some(value) => batch.put(Table::new(table), key, value),
        None => batch.delete(Table::new(table), key),
    }
    store.write(batch, Durability::Synced).unwrap();
}

#[test]
fn a_damaged_row_of_the_start_is_damage_and_no_other_chain() {
    let other = encode(&(Digest::from_bytes([8; 32]), 0_u64, membership().parameters()));
    for (table, key, value) in [
        ("execution.configuration", "genesis", None),
        ("execution.configuration", "genesis", Some(b"rot".to_vec())),
        ("execution.configuration", "genesis", Some(other)),
        ("execution.progress", "progress", None),
        ("execution.progress", "progress", Some(b"rot".to_vec())),
        ("execution.local", "genesis", None),
        ("execution.local", "format", None),
        ("execution.local", "checkpoints", Some(b"rot".to_vec())),
        ("execution.local", "installing", Some(b"rot".to_vec())),
    ] {
        let store = fresh_store();
        open(store.clone()).execute(&batch(1, vec![put(1, 1, "k", "v")])).unwrap();
        overwrite(&store, table, key, value);
        let node = try_open(store.clone(), genesis()).unwrap();
        assert!(node.applied().unwrap().damaged, "{table} {key}");
        assert_eq!(node.query(b""), Err(QueryError::Damaged));
        let taken = Node::<Arc<MemoryStore>>::init(&store, &membership());
        assert_eq!(taken, Err(OpenError::AlreadyInitialised { chain: genesis() }));
    }
}

#[test]
fn one_place_is_enough_to_tell_another_chain() {
    let ours = Digest::from_bytes([8; 32]);
    for (table, key) in [("execution.configuration", "genesis"), ("execution.local", "genesis")] {
        let store = fresh_store();
        overwrite(&store, table, key, None);
        assert_eq!(try_open(store, ours).err(), Some(OpenError::OtherGenesis { ours, theirs: genesis() }));
    }
}

#[test]
fn a_machine_cannot_take_the_envelopes_tables() {
    struct Greedy;
    impl StateMachine for Greedy {
        fn execute(&self, _: &Context, _: &[u8], _: &mut Overlay<'_>) -> Vec<u8> {
            Vec::new()
        }
        fn query(&self, _: &[u8], _: &dyn Reader) -> Result<Vec<u8>, QueryError> {
            Ok(Vec::new())
        }
        fn revision(&self, _: &dyn Reader) -> Result<u64, StoreError> {
            Ok(0)
        }
        fn check(&self, _: &[u8]) -> Result<(), String> {
            Ok(())
        }
        fn tables(&self) -> &'static [Table] {
            const TAKEN: &[Table] = &[Table::new("execution.senders")];
            TAKEN
        }
    }
    let error = Execution::open(Greedy, fresh_store(), &membership(), Retention::default()).err();
    assert_eq!(error, Some(OpenError::ReservedTable { table: "execution.senders" }));
}

#[test]
fn a_fresh_chain_stands_at_zero() {
    let node = support::fresh();
    assert_eq!((node.executed(), node.agreed_time(), node.revision().unwrap()), (SeqNum::ZERO, at(0), 1));
    assert_eq!(node.last_checkpoint(), (SeqNum::ZERO, Digest::ZERO));
    assert_eq!(node.applied().unwrap(), tetrarch_types::Applied::default());
    assert!(node.committed_after(SeqNum::ZERO).unwrap().is_empty());
}

#[test]
fn what_agreement_needs_comes_back() {
    let store = fresh_store();
    let node = open(store.clone());
    node.execute(&batch(1, vec![put(2, 1, "k", "v"), put(1, 7, "k", "w")])).unwrap();
    for seq in 2..=6 * INTERVAL + 1 {
        node.execute(&noop(seq)).unwrap();
    }
    let applied = open(store).applied().unwrap();
    assert_eq!(applied, node.applied().unwrap());
    assert_eq!((applied.executed.get(), applied.agreed_time), (6 * INTERVAL + 1, at(NOW)));
    let senders: Vec<_> =
        applied.senders.iter().map(|(key, known)| (*key, known.nonces.highest(), known.last_used)).collect();
    assert_eq!(senders, [(sender(1), Some(7), at(NOW)), (sender(2), Some(1), at(NOW))]);
    let checkpoints: Vec<u64> = applied.checkpoints.iter().map(|(seq, _)| seq.get()).collect();
    assert_eq!(checkpoints, [3 * INTERVAL, 4 * INTERVAL, 5 * INTERVAL, 6 * INTERVAL]);
    assert_eq!(applied.checkpoints.last(), Some(&node.last_checkpoint()));
}

#[test]
fn an_execution_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&support::fresh());
}
