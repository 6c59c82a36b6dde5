//! The faulty store: rot that checksums notice, rot in snapshots, disks replaced and backups put back.

use crate::support::{self, A, B, buffered, keys, synced};
use tetrarch_storage::{
    Direction, Durability, FailureKind, FaultyStore, HighWaterMark, MemoryMark, Reader, Store, StoreError, WriteBatch,
};

fn rotten() -> FaultyStore {
    let store = FaultyStore::new();
    for key in [b"1", b"2", b"3"] {
        synced(&store, key, b"value").unwrap();
    }
    assert!(store.rot(A, b"2"));
    store
}

fn scan(store: &FaultyStore, from: &[u8], limit: usize) -> Result<usize, StoreError> {
    store.scan(A, from, b"", Direction::Ascending, limit).map(|rows| rows.len())
}

#[test]
fn what_rotted_is_corrupt_with_its_table_and_key() {
    let store = rotten();
    let StoreError::Corrupt { place, .. } = store.get(A, b"2").unwrap_err() else { panic!("not corrupt") };
    assert_eq!(place, "The row 32 of the table \"a\"");
    assert_eq!(store.counters().rotten, 1);
    assert!(store.rot(A, b"2"), "once more");
    assert_eq!(store.counters().rotten, 1);
    assert!(!store.rot(A, b"9"));
    assert!(!store.rot(B, b"2"));
}

#[test]
fn only_a_scan_that_would_return_it_fails() {
    let store = rotten();
    assert_eq!(scan(&store, b"1", 1), Ok(1));
    assert_eq!(scan(&store, b"3", 9), Ok(1));
    assert!(matches!(scan(&store, b"1", 2), Err(StoreError::Corrupt { .. })));
    assert_eq!(store.scan(A, b"", b"", Direction::Descending, 1).unwrap().len(), 1);
    assert!(store.scan(A, b"", b"", Direction::Descending, 2).is_err());
}

#[test]
fn writing_or_deleting_it_mends_it_and_a_crash_does_not() {
    let mends: [&dyn Fn(&mut WriteBatch); 3] =
        [&|batch| batch.put(A, "2", "new"), &|batch| batch.delete(A, "2"), &|batch| batch.delete_range(A, "0", "9")];
    for mend in mends {
        let store = rotten();
        store.crash(|_| 0);
        assert!(store.get(A, b"2").is_err());
        let mut batch = WriteBatch::new();
        mend(&mut batch);
        store.write(batch.clone(), Durability::Buffered).unwrap();
        store.get(A, b"2").unwrap();
        store.crash(|_| 0);
        assert!(store.get(A, b"2").is_err(), "the crash took the mending back");
        store.write(batch, Durability::Synced).unwrap();
        store.crash(|_| 0);
        store.get(A, b"2").unwrap();
        scan(&store, b"", 9).unwrap();
    }
}

#[test]
fn an_unsynced_value_rots_where_it_is() {
    for (kept, expected) in [(0, Ok(Some(b"value".to_vec()))), (1, Err(()))] {
        let store = FaultyStore::new();
        synced(&store, b"1", b"value").unwrap();
        buffered(&store, b"1", b"newer").unwrap();
        assert!(store.rot(A, b"1"));
        store.crash(|_| kept);
        assert_eq!(store.get(A, b"1").map_err(|_| ()), expected);
    }
}

#[test]
fn a_snapshot_of_what_rotted_is_rotten_and_an_older_one_is_not() {
    let store = FaultyStore::new();
    synced(&store, b"1", b"value").unwrap();
    store.take_snapshot(1).unwrap();
    store.rot(A, b"1");
    store.take_snapshot(2).unwrap();
    synced(&store, b"1", b"mended").unwrap();
    let get = |number| store.snapshot(number).unwrap().unwrap().get(A, b"1");
    assert_eq!(get(1).unwrap().unwrap(), b"value");
    assert!(matches!(get(2), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_flipped_bit_in_a_snapshot_is_in_that_snapshot_alone() {
    let store = FaultyStore::new();
    synced(&store, b"k", b"abc").unwrap();
    store.take_snapshot(1).unwrap();
    store.take_snapshot(2).unwrap();
    let held = store.snapshot(1).unwrap().unwrap();
    assert!(store.corrupt_snapshot(1, A, b"k", 1));
    assert_eq!(held.get(A, b"k").unwrap().unwrap(), b"acc");
    assert_eq!(store.snapshot(2).unwrap().unwrap().get(A, b"k").unwrap().unwrap(), b"abc");
    assert_eq!(support::get(&store, b"k").unwrap(), b"abc");
    for (number, key, byte) in [(3, b"k", 0), (1, b"x", 0), (1, b"k", 3)] {
        assert!(!store.corrupt_snapshot(number, A, key, byte));
    }
    assert_eq!(store.counters().corruptions, 1);
}

#[test]
fn a_wiped_store_is_a_new_disk() {
    let store = rotten();
    store.take_snapshot(1).unwrap();
    buffered(&store, b"4", b"").unwrap();
    store.fail_write_at(0, FailureKind::FsyncLost);
    synced(&store, b"5", b"").unwrap_err();
    store.wipe();
    assert_eq!((keys(&store).len(), store.snapshots().unwrap().len(), store.unsynced()), (0, 0, 0));
    store.crash(|unsynced| unsynced);
    assert_eq!(keys(&store), [""; 0]);
    synced(&store, b"2", b"").unwrap();
    assert_eq!(keys(&store), ["2"]);
}

#[test]
fn a_backup_holds_what_was_durable_and_comes_back_whole() {
    let store = rotten();
    store.take_snapshot(1).unwrap();
    buffered(&store, b"4", b"").unwrap();
    let backup = store.image();
    synced(&store, b"2", b"mended").unwrap();
    store.corrupt_snapshot(1, A, b"1", 0);
    store.remove_snapshot(1).unwrap();
    store.fail_write_at(0, FailureKind::Io);
    synced(&store, b"5", b"").unwrap_err();
    for _ in 0..2 {
        store.restore(&backup);
        assert!(store.get(A, b"2").is_err());
        assert_eq!(store.get(A, b"4").unwrap(), None, "it was not durable");
        assert_eq!(store.snapshot(1).unwrap().unwrap().get(A, b"1").unwrap().unwrap(), b"value");
        store.corrupt_snapshot(1, A, b"1", 0);
        synced(&store, b"2", b"mended").unwrap();
        store.crash(|_| 0);
        assert_eq!(keys(&store), ["1", "2", "3"]);
    }
}

#[test]
fn a_mark_is_backed_up_put_back_and_cleared_for_all_its_clones() {
    let (mut mark, shared) = (MemoryMark::default(), MemoryMark::default());
    assert_eq!(mark.image(), None);
    let other = mark.clone();
    mark.advance(support::mark(3)).unwrap();
    let backup = mark.image();
    mark.advance(support::mark(5)).unwrap();
    other.restore(backup);
    assert_eq!(mark.read(), Ok(Some(support::mark(3).into())));
    mark.advance(support::mark(4)).unwrap();
    other.clear();
    assert_eq!((mark.read(), shared.read()), (Ok(None), Ok(None)));
}
