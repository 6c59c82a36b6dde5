//! One flipped byte in every kind of file, and what opening, reading and salvaging say: never a wrong value, never a panic.

use std::path::{Path, PathBuf};

use crate::support::files::{flip, newest_with, only_with};
use crate::support::{self, A, B};
use tempfile::{TempDir, tempdir};
use tetrarch_storage::{Durability, Loss, Reader, RocksStore, Store, StoreError, WriteBatch, for_each_row};

const ROWS: u32 = 400;

fn value(key: u32) -> Vec<u8> {
    // Nothing to compress, and every byte tells where it belongs.
    (0..64).map(|byte| (key.wrapping_mul(2_654_435_761) >> (byte % 24)) as u8 ^ byte as u8).collect()
}

/// Two tables of which half of the rows are in table files and half in the log.
fn scene() -> (TempDir, PathBuf) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("db");
    for half in [0..ROWS / 2, ROWS / 2..ROWS] {
        let store = RocksStore::open(&path, &[A, B]).unwrap();
        for key in half {
            let mut batch = WriteBatch::new();
            batch.put(A, key.to_be_bytes(), value(key));
            batch.put(B, key.to_be_bytes(), value(!key));
            store.write(batch, Durability::Buffered).unwrap();
        }
    }
    (directory, path)
}

#[derive(Debug, PartialEq)]
enum Said {
    /// All rows, in both tables.
    All,
    /// Rows `0..n` in both.
    First(u32),
    Corrupt,
    Io,
}

fn said(error: &StoreError) -> Said {
    match error {
        StoreError::Corrupt { .. } => Said::Corrupt,
        _ => Said::Io,
    }
}

/// Reads everything; a row that is not what was written fails the test.
fn read(store: &dyn Reader) -> Result<u32, StoreError> {
    let mut counts = [0, 0];
    for (table, count, twist) in [(A, 0, 0), (B, 1, u32::MAX)] {
        counts[count] = for_each_row(store, table, &mut |key, found| {
            let key = u32::from_be_bytes(key.try_into().unwrap());
            assert_eq!(found, value(key ^ twist), "a wrong value");
        })?;
    }
    assert_eq!(counts[0], counts[1], "a batch is whole or not there");
    Ok(counts[0] as u32)
}

fn outcome(read: Result<u32, StoreError>) -> Said {
    match read {
        Ok(ROWS) => Said::All,
        Ok(count) => Said::First(count),
        Err(error) => said(&error),
    }
}

/// What opening for writing and reading all says, on a copy; and what reading without writing says.
fn opened(path: &Path) -> (Said, Said) {
    let only_read = outcome(RocksStore::open_read_only(path).and_then(|store| read(&store)));
    let written = outcome(RocksStore::open(path, &[A, B]).and_then(|store| read(&store)));
    (only_read, written)
}

fn salvaged(path: &Path) -> Result<(Vec<Loss>, u32, u32), StoreError> {
    let to = path.with_extension("salvaged");
    let losses = RocksStore::salvage(path, &to)?;
    let copy = RocksStore::open(&to, &[A, B]).unwrap();
    Ok((losses, support::all(&copy, A).len() as u32, support::all(&copy, B).len() as u32))
}

/// The scene with one byte flipped in a file.
fn damaged(file: impl Fn(&Path) -> PathBuf, at: f64) -> (TempDir, PathBuf) {
    let (directory, path) = scene();
    flip(&file(&path), at);
    (directory, path)
}

#[test]
fn nothing_is_lost_of_a_whole_one() {
    let (_directory, path) = scene();
    assert_eq!(salvaged(&path), Ok((vec![], ROWS, ROWS)));
    assert_eq!(opened(&path), (Said::All, Said::All));
}

#[test]
fn a_table_file_is_corrupt_where_it_is_read_and_the_rest_is_salvaged() {
    // The newest file holds rows of the table B.
    let (_directory, path) = damaged(|path| newest_with(path, "sst"), 0.3);
    let (losses, a, b) = salvaged(&path).unwrap();
    let [loss] = &losses[..] else { panic!("{losses:?}") };
    let key = |key: &Option<Vec<u8>>| u32::from_be_bytes(key.as_deref().unwrap().try_into().unwrap());
    assert_eq!(loss.table, "b");
    assert_eq!((a, b), (ROWS, key(&loss.after) + 1 + ROWS - key(&loss.before)));
    assert!(b > ROWS / 2, "{losses:?}");
    assert!(loss.reason.contains("checksum"), "{loss:?}");
    assert_eq!(opened(&path), (Said::Corrupt, Said::Corrupt));
}

#[test]
fn a_table_files_footer_takes_its_table_and_no_other() {
    let (_directory, path) = damaged(|path| newest_with(path, "sst"), 0.9999);
    let (losses, a, b) = salvaged(&path).unwrap();
    assert_eq!((a, b), (ROWS, 0));
    let [Loss { table, after: None, before: None, .. }] = &losses[..] else { panic!("{losses:?}") };
    assert_eq!(table, "b");
    assert_eq!(opened(&path), (Said::Corrupt, Said::Corrupt));
}

#[test]
fn a_missing_table_file_takes_its_table_and_no_other() {
    let (_directory, path) = scene();
    std::fs::remove_file(newest_with(&path, "sst")).unwrap();
    let (losses, a, b) = salvaged(&path).unwrap();
    assert_eq!((losses.len(), a, b), (1, ROWS, 0));
    assert_eq!(opened(&path), (Said::Corrupt, Said::Corrupt));
}

#[test]
fn without_the_lists_of_files_nothing_can_be_salvaged() {
    for (name, at) in [("MANIFEST", 0.01), ("MANIFEST", 0.5), ("MANIFEST", 0.9), ("CURRENT", 0.0), ("CURRENT", 0.5)] {
        let (_directory, path) = damaged(|path| only_with(path, name), at);
        assert_eq!(salvaged(&path).map_err(|error| said(&error)), Err(Said::Corrupt), "{name} {at}");
        assert!(!path.with_extension("salvaged").exists());
        assert_eq!(opened(&path), (Said::Corrupt, Said::Corrupt), "{name} {at}");
    }
    let (_directory, path) = scene();
    std::fs::remove_file(path.join("CURRENT")).unwrap();
    assert_eq!(salvaged(&path).map_err(|error| said(&error)), Err(Said::Corrupt));
    assert_eq!(opened(&path), (Said::Corrupt, Said::Corrupt));
}

/// The store cannot tell this from a power failure, and nobody says a word: that is what the high-water mark is for.
#[test]
fn the_log_ends_at_the_first_damaged_batch() {
    for (at, rows) in [(0.001, ROWS / 2), (0.5, ROWS * 3 / 4), (0.9999, ROWS - 1)] {
        let (_directory, path) = damaged(|path| newest_with(path, "log"), at);
        assert_eq!(salvaged(&path), Ok((vec![], rows, rows)));
        assert_eq!(opened(&path), (Said::First(rows), Said::First(rows)));
    }
}

/// Reading the first bytes of this fails as reading a bad sector does: no memory is there.
#[cfg(target_os = "linux")]
fn put_bad_sector(path: &Path) {
    std::fs::remove_file(path).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", path).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_is_damage_when_the_database_is_opened() {
    for name in ["MANIFEST", "CURRENT"] {
        let (_directory, path) = scene();
        put_bad_sector(&only_with(&path, name));
        assert_eq!(opened(&path), (Said::Corrupt, Said::Corrupt), "{name}");
        assert_eq!(salvaged(&path).map_err(|error| said(&error)), Err(Said::Corrupt), "{name}");
    }
}
