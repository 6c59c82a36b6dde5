//! What a crash of the faulty store takes: a suffix of the unsynced writes, whole batches, never anything synced.

use crate::support::{self, A, B, buffered, keys, synced};
use tetrarch_storage::{Durability, FailureKind, FaultyStore, Store, WriteBatch};

fn with_one_synced_and_three_buffered() -> FaultyStore {
    let store = FaultyStore::new();
    buffered(&store, b"0", b"").unwrap();
    synced(&store, b"1", b"").unwrap();
    for key in [b"2", b"3", b"4"] {
        buffered(&store, key, b"").unwrap();
    }
    store
}

#[test]
fn unsynced_writes_are_visible_and_counted() {
    let store = with_one_synced_and_three_buffered();
    assert_eq!(store.unsynced(), 3);
    assert_eq!(keys(&store), ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_synced_write_keeps_all_before_it() {
    let store = with_one_synced_and_three_buffered();
    store.crash(|_| 0);
    assert_eq!(keys(&store), ["0", "1"]);
    assert_eq!(store.unsynced(), 0);
}

#[test]
fn the_oldest_survive_as_many_as_the_caller_keeps() {
    for kept in 0..=4 {
        let store = with_one_synced_and_three_buffered();
        let mut offered = Vec::new();
        store.crash(|unsynced| {
            offered.push(unsynced);
            kept
        });
        assert_eq!(offered, [3]);
        assert_eq!(keys(&store), ["0", "1", "2", "3", "4"][..(2 + kept).min(5)]);
    }
}

#[test]
fn an_empty_synced_write_syncs_what_was_before() {
    let store = with_one_synced_and_three_buffered();
    store.write(WriteBatch::new(), Durability::Synced).unwrap();
    store.crash(|_| 0);
    assert_eq!(keys(&store).len(), 5);
}

#[test]
fn what_survived_one_crash_survives_the_next() {
    let store = with_one_synced_and_three_buffered();
    store.crash(|_| 1);
    store.crash(|_| 0);
    assert_eq!(keys(&store), ["0", "1", "2"]);
}

#[test]
fn a_batch_over_two_tables_is_lost_or_kept_whole() {
    for kept in 0..=1 {
        let store = FaultyStore::new();
        synced(&store, b"old", b"").unwrap();
        let mut batch = WriteBatch::new();
        batch.delete_range(A, "a", "z");
        batch.put(A, "new", "");
        batch.put(B, "new", "");
        store.write(batch, Durability::Buffered).unwrap();
        store.crash(|_| kept);
        assert_eq!(keys(&store), [if kept == 1 { "new" } else { "old" }]);
        assert_eq!(support::all(&store, B).len(), kept);
    }
}

#[test]
fn a_write_whose_fsync_failed_may_be_there_after_the_crash_or_not() {
    for (kept, expected) in [(0, vec![]), (1, vec!["1"]), (2, vec!["1", "2"])] {
        let store = FaultyStore::new();
        store.fail_write_at(1, FailureKind::FsyncLost);
        buffered(&store, b"1", b"").unwrap();
        synced(&store, b"2", b"").unwrap_err();
        assert_eq!(keys(&store), ["1"], "not visible before the crash");
        assert_eq!(store.unsynced(), 2);
        store.crash(|_| kept);
        assert_eq!(keys(&store), expected);
    }
}

#[test]
fn a_lost_fsync_waits_for_a_synced_write() {
    let store = FaultyStore::new();
    store.fail_write_at(0, FailureKind::FsyncLost);
    buffered(&store, b"1", b"").unwrap();
    buffered(&store, b"2", b"").unwrap();
    synced(&store, b"3", b"").unwrap_err();
}

#[test]
fn a_flipped_bit_stays_flipped() {
    let store = FaultyStore::new();
    synced(&store, b"k", b"abc").unwrap();
    assert!(store.corrupt(A, b"k", 1));
    assert_eq!(support::get(&store, b"k").unwrap(), b"acc");
    store.crash(|_| 0);
    assert_eq!(support::get(&store, b"k").unwrap(), b"acc");
    assert!(!store.corrupt(A, b"k", 3), "behind its end");
    assert!(!store.corrupt(B, b"k", 0), "no such key");
}

#[test]
fn a_flipped_bit_of_an_unsynced_value_is_lost_with_it() {
    for (kept, expected) in [(0, b"old"), (1, b"oew")] {
        let store = FaultyStore::new();
        synced(&store, b"k", b"old").unwrap();
        buffered(&store, b"k", b"new").unwrap();
        assert!(store.corrupt(A, b"k", 0));
        store.crash(|_| kept);
        assert_eq!(support::get(&store, b"k").unwrap(), expected);
    }
}

#[test]
fn counters_tell_what_happened() {
    let store = with_one_synced_and_three_buffered();
    store.crash(|_| 1);
    store.fail_write_at(0, FailureKind::Io);
    buffered(&store, b"5", b"").unwrap_err();
    buffered(&store, b"6", b"").unwrap_err();
    store.corrupt(A, b"0", 0);
    let counters = store.counters();
    assert_eq!((counters.writes, counters.syncs, counters.crashes, counters.lost), (5, 1, 1, 2));
    assert_eq!((counters.failures, counters.refused, counters.corruptions), (1, 1, 0));
}
