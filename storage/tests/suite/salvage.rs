//! Salvage of a large table, and the reader of stopped databases.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::files::{flip, with_extension};
use crate::support::{A, B, buffered, keys, noise, synced};
use tempfile::tempdir;
use tetrarch_storage::{
    Direction, Durability, Loss, Reader, RocksStore, Store, StoreError, Table, WriteBatch, for_each_row,
};

const ROWS: u32 = 4000;

fn open(path: &Path) -> RocksStore {
    RocksStore::open(path, &[A, B]).unwrap()
}

fn row(table: Table, key: u32) -> Vec<u8> {
    noise(u64::from(key) + if table == A { 1 << 40 } else { 0 }, 200)
}

fn filled(path: &Path) {
    let store = open(path);
    for start in (0..ROWS).step_by(100) {
        let mut batch = WriteBatch::new();
        for key in start..start + 100 {
            batch.put(A, key.to_be_bytes(), row(A, key));
            batch.put(B, key.to_be_bytes(), row(B, key));
        }
        store.write(batch, Durability::Buffered).unwrap();
    }
    for table in [A, B] {
        store.compact(table).unwrap();
    }
}

/// How many rows it has; each must be what was written.
fn verified(store: &dyn Reader, table: Table) -> Result<u64, StoreError> {
    for_each_row(store, table, &mut |key, value| {
        assert_eq!(value, row(table, u32::from_be_bytes(key.try_into().unwrap())));
    })
}

fn listing(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn all_but_the_damaged_rows_of_a_large_table_are_salvaged() {
    let directory = tempdir().unwrap();
    let (path, to) = (directory.path().join("db"), directory.path().join("copy"));
    filled(&path);
    // One file a table, and the table A was written first.
    flip(&with_extension(&path, "sst")[0], 0.5);
    let store = open(&path);
    assert!(matches!(verified(&store, A), Err(StoreError::Corrupt { .. })));
    assert_eq!(verified(&store, B), Ok(u64::from(ROWS)));
    drop(store);

    let before = listing(&path);
    let losses = RocksStore::salvage(&path, &to).unwrap();
    assert_eq!(listing(&path), before, "what is salvaged is not changed");
    let [Loss { table, after: Some(after), before: Some(before), reason }] = &losses[..] else { panic!("{losses:?}") };
    assert_eq!(table, "a");
    assert!(reason.contains("checksum"), "{reason}");
    let key = |bytes: &[u8]| u64::from(u32::from_be_bytes(bytes.try_into().unwrap()));
    let lost = key(before) - key(after) - 1;
    assert!((1..100).contains(&lost), "{losses:?}");

    let copy = open(&to);
    assert_eq!(verified(&copy, A), Ok(u64::from(ROWS) - lost));
    assert_eq!(verified(&copy, B), Ok(u64::from(ROWS)));
    assert_eq!(copy.scan(A, &after[..], &before[..], Direction::Ascending, 9).unwrap().len(), 1);
    synced(&copy, b"goes on", b"").unwrap();
}

#[test]
fn everything_between_two_damaged_places_is_lost() {
    let directory = tempdir().unwrap();
    let (path, to) = (directory.path().join("db"), directory.path().join("copy"));
    filled(&path);
    for part in [0.25, 0.75] {
        flip(&with_extension(&path, "sst")[0], part);
    }
    let losses = RocksStore::salvage(&path, &to).unwrap();
    assert_eq!(losses.len(), 1);
    let left = verified(&open(&to), A).unwrap();
    assert!((1900..2000).contains(&left), "{left}");
}

#[test]
fn salvage_goes_nowhere_that_exists_and_clears_what_an_earlier_one_left() {
    let directory = tempdir().unwrap();
    let (path, to) = (directory.path().join("db"), directory.path().join("copy"));
    synced(&open(&path), b"1", b"").unwrap();
    fs::create_dir(directory.path().join("copy.part")).unwrap();
    fs::write(directory.path().join("copy.part/CURRENT"), "half").unwrap();
    assert_eq!(RocksStore::salvage(&path, &to), Ok(vec![]));
    assert_eq!(keys(&open(&to)), ["1"]);
    assert!(!directory.path().join("copy.part").exists());
    let error = RocksStore::salvage(&path, &to).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert_eq!(keys(&open(&to)), ["1"], "it is as it was");
}

#[test]
fn salvage_of_nothing_is_an_error_and_makes_nothing() {
    let directory = tempdir().unwrap();
    let error = RocksStore::salvage(&directory.path().join("db"), &directory.path().join("copy")).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_stopped_database_is_read_without_changing_it() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("db");
    synced(&open(&path), b"1", b"one").unwrap();
    synced(&open(&path), b"2", b"two").unwrap();
    let before = listing(&path);
    let reader = RocksStore::open_read_only(&path).unwrap();
    assert_eq!(keys(&reader), ["1", "2"], "from a table file, and from the log");
    assert_eq!(reader.get(A, b"2").unwrap().unwrap(), b"two");
    assert_eq!(reader.scan_all("a", &mut |_, _| {}), Ok(2));
    assert_eq!(reader.scan_all("b", &mut |_, _| {}), Ok(0));
    assert!(reader.scan_all("c", &mut |_, _| {}).unwrap_err().to_string().contains("no table of that name"));
    let unknown = Table::new("c");
    assert_eq!(reader.get(unknown, b"1"), Err(StoreError::UnknownTable { table: "c" }));
    drop(reader);
    assert_eq!(RocksStore::table_names(&path).unwrap(), ["a", "b", "default"]);
    assert_eq!(listing(&path), before);
}

#[test]
fn a_database_in_use_is_not_read_from_outside() {
    if !Path::new("/proc/locks").exists() {
        return;
    }
    let directory = tempdir().unwrap();
    let store = open(directory.path());
    let locked = Err(StoreError::Locked { path: directory.path().to_owned() });
    assert_eq!(RocksStore::open_read_only(directory.path()).map(|_| ()), locked);
    assert_eq!(RocksStore::salvage(directory.path(), &directory.path().join("copy")).map(|_| ()), locked);
    // And the lock is still held.
    assert!(matches!(RocksStore::open(directory.path(), &[A]), Err(StoreError::Locked { .. })));
    drop(store);
    RocksStore::open_read_only(directory.path()).unwrap();
}

#[test]
fn rows_are_visited_over_page_borders() {
    for count in [0, 1, 63, 64, 65, 200_u32] {
        let store = tetrarch_storage::MemoryStore::new();
        for key in 0..count {
            buffered(&store, &key.to_be_bytes(), b"v").unwrap();
        }
        let mut seen = Vec::new();
        assert_eq!(for_each_row(&store, A, &mut |key, _| seen.push(key.to_vec())), Ok(u64::from(count)));
        assert_eq!(seen, (0..count).map(|key| key.to_be_bytes().to_vec()).collect::<Vec<_>>());
    }
}
