//! An overlay reads as the store will, once the overlay's changes are written.

use proptest::prelude::*;
use tetrarch_kv::Overlay;
use tetrarch_storage::{Direction, Durability, MemoryStore, Reader, Store, StoreError, Table, WriteBatch};

const A: Table = Table::new("a");
const B: Table = Table::new("b");

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 0..4)
}

fn changes(most: usize) -> impl Strategy<Value = Vec<(Vec<u8>, Option<u8>)>> {
    prop::collection::vec((key(), prop::option::of(any::<u8>())), 0..most)
}

proptest! {
    #[test]
    fn it_reads_like_the_store_with_its_changes(
        before in changes(60),
        first in changes(30),
        second in changes(30),
        (from, to, limit) in (key(), key(), prop_oneof![0_usize..40, Just(usize::MAX)]),
    ) {
        let store = MemoryStore::new();
        let mut batch = WriteBatch::new();
        before.iter().for_each(|(key, value)| batch.put(A, key.clone(), value.iter().copied().collect::<Vec<_>>()));
        store.write(batch, Durability::Buffered).unwrap();

        let mut lower = Overlay::new(&store, &[A]);
        apply(&mut lower, &first);
        let mut upper = Overlay::new(&lower, &[A]);
        apply(&mut upper, &second);

        let written = store.clone();
        for changes in [&first, &second] {
            let mut overlay = Overlay::new(&written, &[A]);
            apply(&mut overlay, changes);
            let batch = overlay.into_batch().unwrap();
            written.write(batch, Durability::Buffered).unwrap();
        }
        for direction in [Direction::Ascending, Direction::Descending] {
            for (from, to) in [(&from, &to), (&from, &Vec::new()), (&Vec::new(), &to)] {
                prop_assert_eq!(upper.scan(A, from, to, direction, limit), written.scan(A, from, to, direction, limit));
            }
        }
        prop_assert_eq!(upper.get(A, &from), written.get(A, &from));
    }
}

fn apply(overlay: &mut Overlay<'_>, changes: &[(Vec<u8>, Option<u8>)]) {
    for (key, value) in changes {
        match value {
            Some(value) => overlay.put(A, key.clone(), [*value]),
            None => overlay.delete(A, key.clone()),
        }
    }
}

#[test]
fn a_table_that_was_not_named_is_out_of_reach() {
    let store = MemoryStore::new();
    let unknown = StoreError::UnknownTable { table: "b" };
    let mut overlay = Overlay::new(&store, &[A]);
    overlay.put(A, "k", "v");
    assert_eq!(overlay.failure(), None);
    overlay.put(B, "k", "v");
    assert_eq!(overlay.failure(), Some(&unknown));
    assert_eq!(overlay.into_batch(), Err(unknown.clone()));

    let overlay = Overlay::new(&store, &[A]);
    assert_eq!(overlay.scan(B, b"", b"", Direction::Ascending, 1), Err(unknown.clone()));
    assert_eq!(overlay.into_batch(), Err(unknown));
}
