//! What several topics need: a table, batches, short reads.

pub(crate) mod files;

use tetrarch_storage::{Direction, Durability, Mark, Pair, Reader, Store, StoreError, Table, WriteBatch};

pub(crate) const A: Table = Table::new("a");
pub(crate) const B: Table = Table::new("b");

pub(crate) fn put(key: &[u8], value: &[u8]) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(A, key, value);
    batch
}

pub(crate) fn buffered(store: &impl Store, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    store.write(put(key, value), Durability::Buffered)
}

pub(crate) fn synced(store: &impl Store, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    store.write(put(key, value), Durability::Synced)
}

pub(crate) fn get(store: &impl Reader, key: &[u8]) -> Option<Vec<u8>> {
    store.get(A, key).unwrap()
}

pub(crate) fn all(store: &impl Reader, table: Table) -> Vec<Pair> {
    store.scan(table, b"", b"", Direction::Ascending, usize::MAX).unwrap()
}

pub(crate) fn keys(store: &impl Reader) -> Vec<String> {
    all(store, A).into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

pub(crate) fn mark(index: u64) -> Mark {
    Mark { index, chain: [index as u8; 32] }
}

/// Incompressible, and never the same twice.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| byte()).collect()
}
