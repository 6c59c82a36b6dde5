//! The store on disk: opened again, opened twice, opened damaged.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::support::{self, A, B, buffered, keys, put, synced};
use tempfile::tempdir;
use tetrarch_storage::{Direction, Durability, Reader, RocksStore, Store, StoreError, Table, WriteBatch};

fn open(path: &Path) -> RocksStore {
    RocksStore::open(path, &[A, B]).unwrap()
}

fn files(path: &Path, extension: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// The write-ahead log that holds what was written since the store was opened.
fn log(path: &Path) -> PathBuf {
    files(path, "log").into_iter().max().unwrap()
}

/// Reads and writes go through the process, so a copy of the files is what a kill would leave.
fn killed(path: &Path) -> tempfile::TempDir {
    let copy = tempdir().unwrap();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

#[test]
fn what_was_written_is_there_when_opened_again() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("made/as/needed");
    let store = open(&path);
    synced(&store, b"1", b"one").unwrap();
    buffered(&store, b"2", b"two").unwrap();
    drop(store);
    let store = open(&path);
    assert_eq!(keys(&store), ["1", "2"]);
    assert_eq!(support::get(&store, b"2").unwrap(), b"two");
}

#[test]
fn a_kill_loses_nothing_that_write_returned_for() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    for key in [b"1", b"2", b"3"] {
        buffered(&store, key, b"").unwrap();
    }
    let copy = killed(directory.path());
    assert_eq!(keys(&open(copy.path())), ["1", "2", "3"]);
}

#[test]
fn a_torn_log_loses_a_suffix_of_whole_batches() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    for key in ["1", "2", "3", "4"] {
        let mut batch = put(key.as_bytes(), b"");
        batch.put(B, key, vec![7; 100]);
        store.write(batch, Durability::Buffered).unwrap();
    }
    let length = fs::metadata(log(directory.path())).unwrap().len();
    for cut in (0..length).step_by(23) {
        let copy = killed(directory.path());
        OpenOptions::new().write(true).open(log(copy.path())).unwrap().set_len(cut).unwrap();
        let store = open(copy.path());
        let left = keys(&store);
        assert_eq!(left, ["1", "2", "3", "4"][..left.len()]);
        assert_eq!(support::all(&store, B).len(), left.len());
    }
}

#[test]
fn it_is_open_once_at_a_time() {
    let directory = tempdir().unwrap();
    let first = open(directory.path());
    let roundabout = directory.path().join(".");
    for path in [directory.path(), &roundabout] {
        let error = RocksStore::open(path, &[A]).unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    }
    drop(first);
    open(directory.path());
}

#[test]
fn tables_are_added_and_left_ones_are_opened() {
    let directory = tempdir().unwrap();
    synced(&open(directory.path()), b"k", b"v").unwrap();
    let later = Table::new("later");
    let store = RocksStore::open(directory.path(), &[later]).unwrap();
    assert_eq!(support::get(&store, b"k").unwrap(), b"v");
    assert_eq!(store.get(later, b"k").unwrap(), None);
}

#[test]
fn a_table_it_does_not_have_is_said_so_and_poisons_nothing() {
    let directory = tempdir().unwrap();
    let store = RocksStore::open(directory.path(), &[A]).unwrap();
    let unknown = StoreError::UnknownTable { table: "b" };
    assert_eq!(store.get(B, b"k").unwrap_err(), unknown);
    assert_eq!(store.scan(B, b"", b"", Direction::Ascending, 1).unwrap_err(), unknown);
    let mut batch = put(b"k", b"v");
    batch.put(B, "k", "v");
    assert_eq!(store.write(batch, Durability::Synced).unwrap_err(), unknown);
    assert_eq!(keys(&store), [""; 0], "nothing of the batch was written");
    synced(&store, b"k", b"v").unwrap();
}

#[test]
fn an_empty_batch_and_a_backward_range_are_no_errors() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    store.write(WriteBatch::new(), Durability::Synced).unwrap();
    let mut batch = put(b"k", b"v");
    batch.delete_range(A, "z", "a");
    batch.delete_range(A, "a", "");
    store.write(batch, Durability::Synced).unwrap();
    assert_eq!(keys(&store), ["k"]);
}

#[test]
fn damaged_data_is_corrupt_and_not_wrong() {
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    synced(&store, b"k", &[b'v'; 5000]).unwrap();
    drop(store);
    // Opening moves the log into a table file.
    drop(open(directory.path()));
    for file in files(directory.path(), "sst") {
        OpenOptions::new().write(true).open(file).unwrap().write_all_at(b"rot", 40).unwrap();
    }
    let read = RocksStore::open(directory.path(), &[A, B]).and_then(|store| store.get(A, b"k"));
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
}

#[test]
fn a_database_without_its_list_of_files_is_not_a_new_one() {
    let directory = tempdir().unwrap();
    synced(&open(directory.path()), b"k", b"v").unwrap();
    fs::remove_file(directory.path().join("CURRENT")).unwrap();
    let error = RocksStore::open(directory.path(), &[A, B]).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn a_missing_table_file_is_corrupt() {
    let directory = tempdir().unwrap();
    synced(&open(directory.path()), b"k", b"v").unwrap();
    drop(open(directory.path()));
    for file in files(directory.path(), "sst") {
        fs::remove_file(file).unwrap();
    }
    let error = RocksStore::open(directory.path(), &[A, B]).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn a_path_that_is_a_file_is_an_error_that_names_it() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    let error = RocksStore::open(&path, &[A]).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}
