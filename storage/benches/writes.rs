//! What it costs to make things durable: the journal's appends, which a replica waits for before it says anything, and the store's own writes.
//!
//! An append is two fsyncs, RocksDB's log and the mark, side by side unless it is large (the last size here): what they take is the disk's
//! affair, so time is the wall's. Entries that go together share them, which is why a replica's turn has one append. The directory lies in
//! Cargo's target folder, not on a file system in memory.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot set its scene has failed")]

use std::path::Path;

use tempfile::TempDir;
use tetrarch_stopwatch::{BatchSize, BenchmarkId, Throughput, Wall, wall};
use tetrarch_storage::{Durability, JOURNAL, Journal, MarkFile, RocksStore, Store, Table, WriteBatch};

const ROWS: Table = Table::new("rows");

/// Entries of an append, and the bytes of each: votes, a small batch, a full one.
const APPENDS: [(usize, usize); 6] = [(1, 256), (16, 256), (128, 256), (1, 4_096), (16, 4_096), (1, 262_144)];
/// Entries are forgotten behind so many appends, as at a checkpoint.
const KEPT: u64 = 1_024;

/// Rows of a batch, and the bytes of each value.
const WRITES: [(u64, usize); 3] = [(1, 256), (100, 256), (1_000, 256)];

fn main() {
    let mut times = wall();
    append(&mut times);
    write(&mut times, "write_buffered", Durability::Buffered);
    write(&mut times, "write_synced", Durability::Synced);
}

fn append(times: &mut Wall) {
    let mut group = times.benchmark_group("journal_append");
    for (entries, bytes) in APPENDS {
        let dir = directory();
        let mut journal = journal(dir.path());
        group.throughput(Throughput::Bytes((entries * bytes) as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{entries}x{bytes}")), |bench| {
            bench.iter_batched(
                || vec![vec![7; bytes]; entries],
                |entries| append_one(&mut journal, entries),
                BatchSize::SmallInput,
            );
        });
    }
}

fn append_one(journal: &mut Journal<RocksStore>, entries: Vec<Vec<u8>>) {
    let kept = KEPT * entries.len() as u64;
    let first = journal.append(entries).unwrap();
    if first > journal.first() + 2 * kept {
        journal.truncate_before(first - kept).unwrap();
    }
}

fn write(times: &mut Wall, name: &str, durability: Durability) {
    let mut group = times.benchmark_group(name);
    for (rows, bytes) in WRITES {
        let dir = directory();
        let store = RocksStore::open(&dir.path().join("db"), &[ROWS]).unwrap();
        let mut next = 0;
        group.throughput(Throughput::Elements(rows));
        group.bench_function(BenchmarkId::from_parameter(format!("{rows}x{bytes}")), |bench| {
            bench.iter_batched(
                || batch(&mut next, rows, bytes),
                |batch| store.write(batch, durability).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
}

/// Rows that come by in turn, in no order of keys, so that the store does not grow without end.
fn batch(next: &mut u64, rows: u64, bytes: usize) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for _ in 0..rows {
        let key = next.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 100_000;
        batch.put(ROWS, key.to_be_bytes(), vec![*next as u8; bytes]);
        *next += 1;
    }
    batch
}

fn journal(dir: &Path) -> Journal<RocksStore> {
    let store = RocksStore::open(&dir.join("db"), &[JOURNAL]).unwrap();
    let mark = MarkFile::create(&dir.join("mark")).unwrap();
    Journal::open(store, Box::new(mark)).unwrap().0
}

fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}
