//! Batches keep their order, and stores hide behind references, pointers and trait objects.

use std::sync::Arc;

use crate::support::{self, A, B};
use tetrarch_storage::{Durability, MemoryStore, Operation, Reader, Store, Table, WriteBatch};

#[test]
fn tables_are_their_names() {
    const LOG: Table = Table::new("log");
    assert_eq!(LOG, Table::new("log"));
    assert_eq!(LOG.name(), "log");
    assert!(A < B);
}

#[test]
fn a_batch_lists_what_it_was_given_in_order() {
    let mut batch = WriteBatch::new();
    assert!(batch.is_empty());
    batch.put(A, "k", "v");
    batch.delete(B, *b"k");
    let mut more = WriteBatch::new();
    more.delete_range(A, vec![1], vec![2]);
    batch.append(more);
    assert_eq!(batch.len(), 3);
    let expected = [
        Operation::Put { table: A, key: b"k".to_vec(), value: b"v".to_vec() },
        Operation::Delete { table: B, key: b"k".to_vec() },
        Operation::DeleteRange { table: A, from: vec![1], to: vec![2] },
    ];
    assert_eq!(batch.operations(), expected);
}

#[test]
fn later_operations_of_a_batch_win() {
    let store = MemoryStore::new();
    let mut batch = WriteBatch::new();
    batch.put(A, "k1", "gone");
    batch.put(A, "k2", "old");
    batch.delete_range(A, "k", "l");
    batch.put(A, "k2", "new");
    store.write(batch, Durability::Buffered).unwrap();
    assert_eq!(support::all(&store, A), [(b"k2".to_vec(), b"new".to_vec())]);
}

#[test]
fn pointers_to_a_store_are_stores() {
    fn use_it(store: impl Store, key: &[u8]) {
        support::synced(&store, key, b"v").unwrap();
    }
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    use_it(&store, b"1");
    use_it(store.clone(), b"2");
    use_it(&*store, b"3");
    assert_eq!(support::keys(&store), ["1", "2", "3"]);
}

#[test]
fn a_clone_of_the_memory_store_is_a_copy() {
    let store = MemoryStore::new();
    support::synced(&store, b"1", b"v").unwrap();
    let copy = store.clone();
    support::synced(&store, b"2", b"v").unwrap();
    assert_eq!(support::keys(&copy), ["1"]);
    assert_eq!(copy.get(B, b"1").unwrap(), None);
}
