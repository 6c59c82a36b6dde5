//! What the state tree costs: building it, folding changes into it, and its proofs. On a store in memory, so that it is the tree
//! that is measured.
//!
//! `cargo bench -p tetrarch-kv --bench tree`; arguments that are numbers replace the sizes measured.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot set its scene has failed")]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "what is measured is time, and nothing depends on it"
)]
#![allow(clippy::print_stdout, reason = "the figures are the output")]

use std::time::{Duration, Instant};

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::Path;
use tetrarch_kv::Overlay;
use tetrarch_kv::tree::{TABLES, fold, note, prove, rebuild, root};
use tetrarch_storage::{Durability, MemoryStore, Store, Table, WriteBatch};
use tetrarch_types::{SeqNum, encode};

const ROWS: Table = Table::new("kv.records");
const ALL: [Table; 4] = [ROWS, TABLES[0], TABLES[1], TABLES[2]];
const VALUE_BYTES: usize = 256;
const CHANGED: u64 = 1_000;
const ROUNDS: u64 = 10;
const PROOFS: u64 = 1_000;
const MAX_PROOF_BYTES: usize = 2 * 1024;

fn main() {
    let asked: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![1_000, 10_000, 100_000, 1_000_000] } else { asked };
    println!("      rows   build rows/s   fold updates/s   proof bytes max   mean   verify µs");
    sizes.into_iter().for_each(measure);
}

fn measure(size: u64) {
    let store = MemoryStore::new();
    fill(&store, size);
    let began = Instant::now();
    let root = rebuild(&store, &[ROWS], &mut |lost| panic!("{lost}")).unwrap();
    let build = rate(size, began.elapsed());
    let folding = (0..ROUNDS).map(|round| fold_changes(&store, size, round)).sum();
    let fold = rate(ROUNDS * CHANGED, folding);
    let (largest, mean, verify) = proofs(&store, size);
    assert_ne!(root, Digest::ZERO);
    assert!(largest < MAX_PROOF_BYTES, "a proof has {largest} bytes, and must stay below {MAX_PROOF_BYTES}");
    println!("{size:>10}   {build:>12}   {fold:>14}   {largest:>15}   {mean:>4}   {verify:>9.1}");
}

fn fill(store: &MemoryStore, size: u64) {
    let mut batch = WriteBatch::new();
    (0..size).for_each(|it| batch.put(ROWS, key(it), value(it, 0)));
    store.write(batch, Durability::Buffered).unwrap();
}

/// What folding a thousand changed rows takes, without noting and writing them.
fn fold_changes(store: &MemoryStore, size: u64, round: u64) -> Duration {
    let mut state = Overlay::new(store, &ALL);
    (0..CHANGED)
        .map(|it| scattered(it + round * CHANGED) % size)
        .for_each(|it| state.put(ROWS, key(it), value(it, round + 1)));
    note(&mut state, &[ROWS], SeqNum::new(round));
    store.write(state.into_batch().unwrap(), Durability::Buffered).unwrap();
    let began = Instant::now();
    let mut state = Overlay::new(store, &ALL);
    fold(&mut state).unwrap();
    let batch = state.into_batch().unwrap();
    let took = began.elapsed();
    store.write(batch, Durability::Buffered).unwrap();
    took
}

/// The largest proof, the mean one, both in bytes, and the microseconds that verifying one takes.
fn proofs(store: &MemoryStore, size: u64) -> (usize, usize, f64) {
    let root = root(store).unwrap();
    let keys: Vec<Vec<u8>> = (0..PROOFS).map(|it| key(scattered(it) % size)).collect();
    let proofs: Vec<_> = keys.iter().map(|key| prove(store, ROWS, key).unwrap()).collect();
    let bytes: Vec<usize> = proofs.iter().map(|proof| encode(proof).len()).collect();
    let began = Instant::now();
    for (key, proof) in keys.iter().zip(&proofs) {
        assert!(proof.verify(&root, &Path::of(ROWS.name(), key)).unwrap().is_some());
    }
    let verify = began.elapsed().as_secs_f64() * 1e6 / keys.len() as f64;
    (bytes.iter().copied().max().unwrap_or(0), bytes.iter().sum::<usize>() / bytes.len(), verify)
}

fn key(number: u64) -> Vec<u8> {
    format!("key/{number:012}").into_bytes()
}

fn value(number: u64, round: u64) -> Vec<u8> {
    (number ^ round << 40).to_be_bytes().into_iter().cycle().take(VALUE_BYTES).collect()
}

/// Numbers without an order, the same in every run (Knuth's multiplicative hashing).
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}

fn rate(count: u64, took: Duration) -> u64 {
    (count as f64 / took.as_secs_f64()) as u64
}
