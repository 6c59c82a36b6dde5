//! Tables that grow at the end and are cut at the front take about as much disk as what they keep.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{self, A, noise};
use tempfile::tempdir;
use tetrarch_storage::{Durability, RocksStore, Store, WriteBatch};

fn size(path: &Path) -> u64 {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    // A file may be deleted between the two.
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

/// Appends rows, and trims so that `kept` of them stay.
fn append_and_trim(store: &RocksStore, rows: u64, length: usize, kept: u64, by_range: bool) {
    for index in 0..rows {
        let mut batch = WriteBatch::new();
        batch.put(A, index.to_be_bytes(), noise(index, length));
        match index.checked_sub(kept) {
            Some(old) if by_range && index % 16 == 0 => batch.delete_range(A, [0; 8], old.to_be_bytes()),
            Some(old) if !by_range => batch.delete(A, old.to_be_bytes()),
            _ => {}
        }
        store.write(batch, Durability::Buffered).unwrap();
    }
}

/// The log is bounded by 64 MiB, and what is written between two flushes by the write buffers.
#[test]
fn a_table_that_is_trimmed_gives_its_disk_back() {
    for by_range in [true, false] {
        let directory = tempdir().unwrap();
        let store = RocksStore::open(directory.path(), &[A]).unwrap();
        append_and_trim(&store, 1024, 64 << 10, 64, by_range);
        let meanwhile = size(directory.path());
        assert!(meanwhile < (24 + 64) << 20, "{meanwhile} bytes without being asked");
        store.compact(A).unwrap();
        let left = until_below(8 << 20, || tables(directory.path()));
        assert!(left < 8 << 20, "{left} bytes in table files for 4 MiB of rows");
        drop(store);
        drop(RocksStore::open(directory.path(), &[A]).unwrap());
        let left = size(directory.path());
        assert!(left < 24 << 20, "{left} bytes in all");
    }
}

#[test]
fn the_size_is_that_of_the_table_files_and_of_what_waits_for_them() {
    let directory = tempdir().unwrap();
    let store = RocksStore::open(directory.path(), &[A]).unwrap();
    let empty = store.stored_bytes().unwrap();
    append_and_trim(&store, 32, 32 << 10, 32, false);
    let waiting = store.stored_bytes().unwrap();
    assert!(waiting >= empty + (1 << 20), "{empty} bytes, and {waiting} with a megabyte in memory");
    store.compact(A).unwrap();
    let written = until_below(waiting + (64 << 10), || store.stored_bytes().unwrap());
    let files = tables(directory.path());
    assert!((files..files + (512 << 10)).contains(&written), "{written} bytes, with {files} in table files");
    drop(store);
    let stopped = RocksStore::open_read_only(directory.path()).unwrap().stored_bytes().unwrap();
    assert!((files..written + (512 << 10)).contains(&stopped), "{stopped} bytes once it is stopped");
}

/// Files that are in nobody's use any more are deleted in the background.
fn until_below(bound: u64, measure: impl Fn() -> u64) -> u64 {
    let start = Instant::now();
    while measure() >= bound && start.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20));
    }
    measure()
}

/// Bytes in table files alone.
fn tables(path: &Path) -> u64 {
    support::files::with_extension(path, "sst")
        .iter()
        .filter_map(|file| fs::metadata(file).ok())
        .map(|it| it.len())
        .sum()
}
