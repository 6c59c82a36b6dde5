//! A write of which only a part reached the disk before the power failed: what RocksDB makes of it, and that the faulty store does the same.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::support::files::newest_with;
use crate::support::{self, A, B, buffered, keys, mark, noise, put, synced};
use tempfile::{TempDir, tempdir};
use tetrarch_storage::{
    Durability, FailureKind, FaultyStore, HighWaterMark, MemoryMark, Reader, RocksStore, Store, WriteBatch,
};

/// What a disk writes at once.
const SECTOR: usize = 512;
const BATCHES: u8 = 4;

/// Each batch in two tables and longer than some sectors; where the log ended before each, and at last.
fn scene() -> (TempDir, PathBuf, Vec<usize>) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("db");
    let store = RocksStore::open(&path, &[A, B]).unwrap();
    let length = || fs::metadata(newest_with(&path, "log")).unwrap().len() as usize;
    let mut ends = vec![length()];
    for number in 0..BATCHES {
        let mut batch = WriteBatch::new();
        for part in 0..4 {
            batch.put(A, [number, part], noise(u64::from(number * 4 + part), 300));
            batch.put(B, [number, part], noise(u64::from(part), 100));
        }
        store.write(batch, Durability::Synced).unwrap();
        ends.push(length());
    }
    drop(store);
    (directory, path, ends)
}

/// How many batches are there, each of them whole, and no later one without all earlier ones.
fn whole_batches(path: &Path) -> usize {
    let store = RocksStore::open(path, &[A, B]).unwrap();
    let (a, b) = (support::all(&store, A), support::all(&store, B));
    assert_eq!((a.len(), a.len() % 4), (b.len(), 0), "a torn batch shows");
    let expected = (0..BATCHES).flat_map(|number| (0..4).map(move |part| vec![number, part]));
    assert!(a.iter().map(|(key, _)| key.clone()).eq(expected.take(a.len())), "a batch without those before it");
    a.len() / 4
}

fn copy(path: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(path).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, to.join(from.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_log_that_ends_inside_a_batch_ends_before_it() {
    let (directory, path, ends) = scene();
    for (nth, at) in (ends[2]..=ends[3]).step_by(97).chain([ends[3]]).enumerate() {
        let torn = directory.path().join(format!("torn-{nth}"));
        copy(&path, &torn);
        let log = OpenOptions::new().write(true).open(newest_with(&torn, "log")).unwrap();
        log.set_len(at as u64).unwrap();
        assert_eq!(whole_batches(&torn), if at == ends[3] { 3 } else { 2 }, "cut at {at} of {ends:?}");
    }
}

/// Disks write sectors in any order: what lies behind a missing one does not count, whole batches included, synced ones too if they
/// share the sector.
#[test]
fn a_sector_that_is_missing_ends_the_log_before_its_first_batch() {
    let (directory, path, ends) = scene();
    let end = *ends.last().unwrap();
    for (nth, at) in (ends[1] / SECTOR * SECTOR..end).step_by(SECTOR).enumerate() {
        let torn = directory.path().join(format!("torn-{nth}"));
        copy(&path, &torn);
        let log = OpenOptions::new().write(true).open(newest_with(&torn, "log")).unwrap();
        log.write_all_at(&[0; SECTOR][..SECTOR.min(end - at)], at as u64).unwrap();
        let before = ends.iter().filter(|batch_end| **batch_end <= at).count().saturating_sub(1);
        assert_eq!(whole_batches(&torn), before, "sector at {at} of {ends:?}");
    }
}

fn store() -> FaultyStore {
    let store = FaultyStore::new();
    for key in [b"1", b"2", b"3"] {
        synced(&store, key, b"").unwrap();
    }
    buffered(&store, b"4", b"").unwrap();
    store
}

#[test]
fn a_torn_sector_takes_synced_writes_with_it() {
    for (kept, torn_away, left) in [(0, 0, 3), (0, 1, 2), (0, 2, 1), (0, 9, 0), (1, 2, 4)] {
        let store = store();
        let taken = store.crash_torn(|_| kept, torn_away);
        assert_eq!(keys(&store).len(), left);
        assert_eq!((taken.writes, taken.synced), (4 - left, 3_usize.saturating_sub(left)));
        assert_eq!(taken.first, if left < 4 { vec![A] } else { vec![] });
    }
}

#[test]
fn only_the_latest_synced_writes_share_a_sector() {
    let store = FaultyStore::new();
    (0..20_u8).for_each(|key| synced(&store, &[b'a' + key], b"").unwrap());
    assert_eq!(store.crash_torn(|_| 0, 20).synced, 4);
    assert_eq!(keys(&store).len(), 16);
}

#[test]
fn a_disk_that_lies_about_fsync_loses_what_was_synced() {
    for kept in 0..=3 {
        let store = store();
        store.lie_about_fsync(true);
        synced(&store, b"5", b"").unwrap();
        buffered(&store, b"6", b"").unwrap();
        let taken = store.crash(|_| kept);
        // The fifth was said to make the fourth durable as well.
        assert_eq!((taken.writes, taken.synced), (3 - kept, 2_usize.saturating_sub(kept)));
        assert_eq!(keys(&store).len(), 3 + kept);
        synced(&store, b"7", b"").unwrap();
        store.crash(|_| 0);
        assert_eq!(keys(&store).len(), 4 + kept, "it lies no more");
    }
}

#[test]
fn a_lie_that_ends_in_time_does_no_harm() {
    let store = store();
    store.lie_about_fsync(true);
    synced(&store, b"5", b"").unwrap();
    store.lie_about_fsync(false);
    assert_eq!(store.crash(|_| 0).writes, 0);
    assert_eq!(keys(&store).len(), 5);
}

#[test]
fn a_full_disk_takes_no_writes() {
    let store = store();
    store.fail_writes(Some((1, FailureKind::Full)));
    buffered(&store, b"5", b"").unwrap();
    assert!(store.write(put(b"6", b""), Durability::Buffered).is_err());
    store.fail_writes(None);
    assert!(buffered(&store, b"6", b"").is_err(), "poisoned");
    store.crash(|unsynced| unsynced);
    buffered(&store, b"6", b"").unwrap();
    assert_eq!(keys(&store).len(), 6);
}

#[test]
fn a_full_disk_takes_no_snapshots_and_goes_on() {
    let store = store();
    store.refuse_snapshots(true);
    assert!(store.take_snapshot(1).is_err() && store.snapshots().unwrap().is_empty());
    buffered(&store, b"5", b"").unwrap();
    store.refuse_snapshots(false);
    store.take_snapshot(1).unwrap();
    assert_eq!(store.snapshots().unwrap(), [1]);
}

#[test]
fn a_snapshot_rots_and_is_misdirected_alone() {
    let store = store();
    store.take_snapshot(1).unwrap();
    assert!(store.misdirect_in_snapshot(1, A, b"1", b"2") && !store.misdirect_in_snapshot(1, A, b"1", b"2"));
    assert!(store.rot_snapshot(1, A, b"3") && !store.rot_snapshot(1, A, b"1"));
    let frozen = store.snapshot(1).unwrap().unwrap();
    assert_eq!((frozen.get(A, b"1"), frozen.get(A, b"2")), (Ok(None), Ok(Some(Vec::new()))));
    assert!(frozen.get(A, b"3").is_err());
    assert_eq!(keys(&store).len(), 4);
}

#[test]
fn a_full_disk_has_no_room_for_a_mark() {
    let mut held = MemoryMark::default();
    held.fill(true);
    assert!(held.advance(mark(1)).is_err() && held.image().is_none());
    held.fill(false);
    held.advance(mark(1)).unwrap();
    held.fill(true);
    held.advance(mark(1)).unwrap();
}
