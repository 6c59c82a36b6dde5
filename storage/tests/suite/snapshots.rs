//! Snapshots: the same promises from every store, and on disk also after reopening, crashes and removal.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{self, A, B, buffered, keys, put, synced};
use tempfile::tempdir;
use tetrarch_storage::{
    Direction, Durability, FailureKind, FaultyStore, MemoryStore, Reader, RocksStore, Store, StoreError, Table,
    WriteBatch,
};

fn open(path: &Path) -> RocksStore {
    RocksStore::open(path, &[A, B]).unwrap()
}

/// Runs a topic against all three stores.
fn each(check: impl Fn(&dyn Store)) {
    let directory = tempdir().unwrap();
    check(&MemoryStore::new());
    check(&FaultyStore::new());
    check(&open(&directory.path().join("db")));
}

fn reader(store: &dyn Store, number: u64) -> Arc<dyn Reader + Send + Sync> {
    store.snapshot(number).unwrap().unwrap()
}

fn seen(store: &dyn Store, number: u64) -> Vec<String> {
    keys(&&*reader(store, number))
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn all_are_removed_together_and_their_numbers_are_free() {
    each(|store| {
        store.remove_snapshots().unwrap();
        buffered(&store, b"1", b"").unwrap();
        [4, 8].into_iter().for_each(|number| store.take_snapshot(number).unwrap());
        buffered(&store, b"2", b"").unwrap();
        store.remove_snapshots().unwrap();
        assert_eq!(store.snapshots().unwrap(), []);
        store.take_snapshot(8).unwrap();
        assert_eq!((store.snapshots().unwrap(), seen(store, 8)), (vec![8], vec!["1".to_owned(), "2".to_owned()]));
    });
}

#[test]
fn a_snapshot_does_not_see_later_writes() {
    each(|store| {
        buffered(&store, b"1", b"old").unwrap();
        synced(&store, b"2", b"").unwrap();
        store.take_snapshot(7).unwrap();
        let mut batch = put(b"1", b"new");
        batch.delete(A, "2");
        batch.put(B, "3", "");
        store.write(batch, Durability::Buffered).unwrap();
        let snapshot = reader(store, 7);
        assert_eq!(snapshot.get(A, b"1").unwrap().unwrap(), b"old");
        assert_eq!(keys(&&*snapshot), ["1", "2"]);
        assert_eq!(support::all(&&*snapshot, B), []);
        assert_eq!(keys(&store), ["1"]);
    });
}

#[test]
fn one_that_is_expected_holds_what_was_written_before_it() {
    each(|store| {
        // Enough that a database writes it into files when it is told.
        let keys: Vec<String> = (0..12).map(|number| format!("{number:02}")).collect();
        for key in &keys[..10] {
            buffered(&store, key.as_bytes(), &[7; 1 << 20]).unwrap();
        }
        store.expect_snapshot();
        store.expect_snapshot();
        buffered(&store, b"10", b"").unwrap();
        store.take_snapshot(1).unwrap();
        buffered(&store, b"11", b"").unwrap();
        assert_eq!(seen(store, 1), keys[..11]);
        assert_eq!(support::keys(&store), keys);
    });
}

/// What a node has of tables, each with so little in it that files of them would be merged all the time.
#[test]
fn one_that_is_expected_makes_no_files_of_a_little() {
    let tables: [Table; 24] = std::array::from_fn(|at| Table::new(Box::leak(format!("table {at}").into_boxed_str())));
    let directory = tempdir().unwrap();
    let path = directory.path().join("db");
    let store = RocksStore::open(&path, &tables).unwrap();
    let fill = |rows: u32| {
        for row in 0..rows {
            let mut batch = WriteBatch::new();
            tables.iter().for_each(|table| batch.put(*table, row.to_be_bytes(), [7; 1 << 10]));
            store.write(batch, Durability::Buffered).unwrap();
        }
    };
    let files = || self::tables(&path).len();
    fill(8);
    store.expect_snapshot();
    sleep(Duration::from_millis(300));
    assert_eq!(files(), 0);

    fill(512);
    store.expect_snapshot();
    let patience = Instant::now() + Duration::from_secs(20);
    while files() < tables.len() && Instant::now() < patience {
        sleep(Duration::from_millis(10));
    }
    assert_eq!(files(), tables.len(), "much is written, and nobody waits for that when the snapshot is taken");
}

#[test]
fn snapshots_are_listed_in_order_and_removed_one_by_one() {
    each(|store| {
        assert_eq!(store.snapshots().unwrap(), [0; 0]);
        for number in [128, 7, u64::MAX, 0] {
            buffered(&store, number.to_string().as_bytes(), b"").unwrap();
            store.take_snapshot(number).unwrap();
        }
        assert_eq!(store.snapshots().unwrap(), [0, 7, 128, u64::MAX]);
        store.remove_snapshot(7).unwrap();
        store.remove_snapshot(7).unwrap();
        store.remove_snapshot(9).unwrap();
        assert_eq!(store.snapshots().unwrap(), [0, 128, u64::MAX]);
        assert!(store.snapshot(7).unwrap().is_none());
        assert_eq!(seen(store, 128), ["128"]);
        assert_eq!(seen(store, 0).len(), 4);
    });
}

#[test]
fn a_number_that_is_not_there_is_none() {
    each(|store| {
        store.take_snapshot(1).unwrap();
        assert!(store.snapshot(0).unwrap().is_none());
        assert!(store.snapshot(2).unwrap().is_none());
    });
}

#[test]
fn one_taken_twice_stays_as_it_was() {
    each(|store| {
        buffered(&store, b"1", b"").unwrap();
        store.take_snapshot(1).unwrap();
        buffered(&store, b"2", b"").unwrap();
        store.take_snapshot(1).unwrap();
        assert_eq!(seen(store, 1), ["1"]);
        store.remove_snapshot(1).unwrap();
        store.take_snapshot(1).unwrap();
        assert_eq!(seen(store, 1), ["1", "2"]);
    });
}

#[test]
fn one_of_an_empty_store_is_empty() {
    each(|store| {
        store.take_snapshot(1).unwrap();
        buffered(&store, b"1", b"").unwrap();
        assert_eq!(seen(store, 1), [""; 0]);
    });
}

#[test]
fn many_readers_of_many_snapshots() {
    each(|store| {
        for number in 0..5 {
            buffered(&store, number.to_string().as_bytes(), b"").unwrap();
            store.take_snapshot(number).unwrap();
        }
        let held: Vec<_> = (0..5).chain(0..5).map(|number| reader(store, number)).collect();
        for (number, snapshot) in held.iter().enumerate() {
            assert_eq!(keys(&&**snapshot).len(), number % 5 + 1);
        }
    });
}

#[test]
fn a_reader_outlives_the_removal_or_says_that_it_cannot() {
    each(|store| {
        let value = vec![7; 100_000];
        for key in [b"1", b"2", b"3"] {
            synced(&store, key, &value).unwrap();
        }
        store.take_snapshot(1).unwrap();
        let snapshot = reader(store, 1);
        store.remove_snapshot(1).unwrap();
        for key in [b"1", b"2", b"3"] {
            match snapshot.get(A, key) {
                Ok(found) => assert_eq!(found.as_ref(), Some(&value)),
                Err(error) => assert!(matches!(error, StoreError::Io { .. } | StoreError::Corrupt { .. }), "{error}"),
            }
        }
    });
}

#[test]
fn it_is_there_when_opened_again_with_long_and_short_logs() {
    for value in [10, 30 << 10] {
        let directory = tempdir().unwrap();
        let path = directory.path().join("db");
        let store = open(&path);
        for key in 0..1000_u32 {
            buffered(&store, format!("{key:04}").as_bytes(), &vec![key as u8; value]).unwrap();
        }
        store.take_snapshot(5).unwrap();
        let mut batch = put(b"new", b"");
        batch.delete_range(A, "0", "9");
        store.write(batch, Durability::Synced).unwrap();
        store.compact(A).unwrap();
        drop(store);
        let store = open(&path);
        assert_eq!(store.snapshots().unwrap(), [5]);
        assert_eq!(keys(&store), ["new"]);
        let snapshot = reader(&store, 5);
        assert_eq!(keys(&&*snapshot).len(), 1000);
        assert_eq!(snapshot.get(A, b"0999").unwrap().unwrap(), vec![999_u32 as u8; value]);
        assert_eq!(names(directory.path()), ["db", "db.snapshots"]);
    }
}

/// While a thread writes the same key to both tables in one batch, with logs that are copied and logs that are flushed.
#[test]
fn it_is_frozen_between_two_writes() {
    const SNAPSHOTS: u64 = 8;
    const WRITES_EACH: u64 = 2_500;
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("db"));
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for key in 0..SNAPSHOTS * WRITES_EACH {
                // So that there is something to write while each of them is taken.
                while key / WRITES_EACH > taken.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                let mut batch = WriteBatch::new();
                batch.put(A, key.to_be_bytes(), vec![1; 4000]);
                batch.put(B, key.to_be_bytes(), "");
                store.write(batch, Durability::Buffered).unwrap();
            }
        });
        for number in 0..SNAPSHOTS {
            let all = store.take_snapshot(number).map(|()| {
                let snapshot = reader(&store, number);
                let keys = |table| support::all(&&*snapshot, table).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
                (keys(A), keys(B))
            });
            // Whatever came of it, the writer must not wait for ever.
            taken.fetch_add(1, Ordering::Relaxed);
            let (a, b) = all.unwrap();
            assert!(a == b, "{} and {} rows", a.len(), b.len());
            assert!(a.iter().zip(0_u64..).all(|(key, place)| **key == place.to_be_bytes()));
            store.remove_snapshot(number).unwrap();
        }
    });
}

#[test]
fn what_an_interruption_left_is_swept() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("db");
    let snapshots = directory.path().join("db.snapshots");
    let store = open(&path);
    store.take_snapshot(3).unwrap();
    for left in ["00000000000000000004.new.tmp", "00000000000000000004.new.tmp.tmp", "00000000000000000002.0.old.tmp"] {
        fs::create_dir(snapshots.join(left)).unwrap();
        fs::write(snapshots.join(left).join("CURRENT"), "half").unwrap();
    }
    fs::create_dir(snapshots.join("not ours")).unwrap();
    assert_eq!(store.snapshots().unwrap(), [3]);
    drop(store);
    let store = open(&path);
    assert_eq!(names(&snapshots), ["00000000000000000003", "not ours"]);
    store.take_snapshot(4).unwrap();
    assert_eq!(store.snapshots().unwrap(), [3, 4]);
}

#[test]
fn leftovers_do_not_keep_one_from_being_taken_or_removed() {
    let directory = tempdir().unwrap();
    let snapshots = directory.path().join("db.snapshots");
    let path = directory.path().join("db");
    let store = open(&path);
    for left in ["00000000000000000004.new.tmp", "00000000000000000004.old.tmp"] {
        fs::create_dir_all(snapshots.join(left)).unwrap();
        fs::write(snapshots.join(left).join("CURRENT"), "half").unwrap();
    }
    store.take_snapshot(4).unwrap();
    assert_eq!(seen(&store, 4), [""; 0]);
    store.remove_snapshot(4).unwrap();
    assert_eq!(store.snapshots().unwrap(), [0; 0]);
    drop(store);
    drop(open(&path));
    assert_eq!(names(&snapshots), [""; 0]);
}

/// What it had on the disk is gone at the latest when the store is closed; its number may come again at once.
#[test]
fn one_that_is_removed_leaves_the_disk_and_its_number() {
    let directory = tempdir().unwrap();
    let snapshots = directory.path().join("db.snapshots");
    let store = open(&directory.path().join("db"));
    for value in 0..10_u8 {
        buffered(&store, b"key", &[value]).unwrap();
        store.take_snapshot(1).unwrap();
        assert_eq!(reader(&store, 1).get(A, b"key").unwrap().unwrap(), [value]);
        store.remove_snapshot(1).unwrap();
        assert_eq!(store.snapshots().unwrap(), [0; 0]);
    }
    drop(store);
    assert_eq!(names(&snapshots), [""; 0]);
}

#[test]
fn one_that_cannot_be_taken_leaves_nothing_and_poisons_nothing() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("db"));
    let in_the_way = directory.path().join("db.snapshots");
    fs::write(&in_the_way, "").unwrap();
    let error = store.take_snapshot(1).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("db.snapshots"), "{error}");
    synced(&store, b"1", b"").unwrap();
    fs::remove_file(in_the_way).unwrap();
    assert_eq!(store.snapshots().unwrap(), [0; 0]);
    store.take_snapshot(1).unwrap();
    assert_eq!(seen(&store, 1), ["1"]);
}

fn tables(snapshot: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(snapshot).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|found| found == "sst")).collect()
}

#[test]
fn a_damaged_one_is_corrupt_and_the_store_goes_on() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("db"));
    synced(&store, b"k", b"v").unwrap();
    store.compact(A).unwrap();
    for number in [1, 2] {
        store.take_snapshot(number).unwrap();
    }
    let of = |number| directory.path().join(format!("db.snapshots/{number:020}"));
    tables(&of(1)).into_iter().for_each(|file| fs::remove_file(file).unwrap());
    fs::remove_file(of(2).join("CURRENT")).unwrap();
    for number in [1, 2] {
        let error = store.snapshot(number).and_then(|found| found.unwrap().get(A, b"k")).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        store.remove_snapshot(number).unwrap();
    }
    assert_eq!(keys(&store), ["k"]);
    synced(&store, b"k", b"w").unwrap();
}

#[test]
fn the_faulty_one_keeps_its_snapshots_when_it_crashes() {
    let store = FaultyStore::new();
    buffered(&store, b"1", b"").unwrap();
    store.take_snapshot(1).unwrap();
    store.crash(|_| 0);
    assert_eq!(keys(&store), [""; 0]);
    assert_eq!(seen(&store, 1), ["1"]);
}

#[test]
fn a_poisoned_store_takes_none_and_still_gives_those_it_has() {
    let store = FaultyStore::new();
    store.take_snapshot(1).unwrap();
    store.fail_write_at(0, FailureKind::Io);
    buffered(&store, b"1", b"").unwrap_err();
    assert_eq!(store.take_snapshot(2), Err(StoreError::Poisoned));
    assert_eq!(seen(&store, 1), [""; 0]);
    assert_eq!(store.snapshots().unwrap(), [1]);
}

#[test]
fn a_view_stays_what_it_was() {
    each(|store| {
        buffered(&store, b"1", b"a").unwrap();
        let view = store.view();
        buffered(&store, b"1", b"b").unwrap();
        buffered(&store, b"2", b"c").unwrap();
        assert_eq!(view.get(A, b"1").unwrap().as_deref(), Some(b"a".as_slice()));
        assert_eq!(view.get(A, b"2").unwrap(), None);
        let rows = |reader: &dyn Reader| reader.scan(A, b"", b"", Direction::Descending, 9).unwrap();
        assert_eq!(rows(&*view), [(b"1".to_vec(), b"a".to_vec())]);
        assert_eq!(rows(&*store.view()).len(), 2);
    });
}
