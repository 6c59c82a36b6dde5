//! After one failed write nothing more is written.

use crate::support::{buffered, keys, synced};
use tetrarch_storage::{FailureKind, FaultyStore, StoreError};

const KINDS: [FailureKind; 4] = [FailureKind::Io, FailureKind::Full, FailureKind::Corrupt, FailureKind::FsyncLost];

#[test]
fn the_chosen_write_fails_in_the_chosen_way() {
    for kind in KINDS {
        let store = FaultyStore::new();
        store.fail_write_at(2, kind);
        synced(&store, b"1", b"").unwrap();
        synced(&store, b"2", b"").unwrap();
        let error = synced(&store, b"3", b"").unwrap_err();
        match kind {
            FailureKind::Full => assert!(matches!(error, StoreError::Full { .. }), "{error}"),
            FailureKind::Corrupt => assert!(matches!(error, StoreError::Corrupt { .. }), "{error}"),
            _ => assert!(matches!(error, StoreError::Io { .. }), "{error}"),
        }
        assert_eq!(keys(&store), ["1", "2"]);
    }
}

#[test]
fn every_later_write_is_refused_and_reads_go_on() {
    for kind in KINDS {
        let store = FaultyStore::new();
        synced(&store, b"1", b"").unwrap();
        store.fail_write_at(0, kind);
        synced(&store, b"2", b"").unwrap_err();
        for _ in 0..3 {
            assert_eq!(buffered(&store, b"3", b""), Err(StoreError::Poisoned));
            assert_eq!(synced(&store, b"3", b""), Err(StoreError::Poisoned));
        }
        assert_eq!(keys(&store), ["1"]);
    }
}

#[test]
fn a_restart_clears_the_poison() {
    let store = FaultyStore::new();
    store.fail_write_at(0, FailureKind::Io);
    synced(&store, b"1", b"").unwrap_err();
    store.crash(|unsynced| unsynced);
    synced(&store, b"2", b"").unwrap();
    assert_eq!(keys(&store), ["2"]);
}

#[test]
fn a_plan_outlives_a_restart() {
    let store = FaultyStore::new();
    store.fail_write_at(1, FailureKind::Full);
    synced(&store, b"1", b"").unwrap();
    store.crash(|_| 0);
    synced(&store, b"2", b"").unwrap_err();
}

#[test]
fn refused_writes_do_not_use_up_a_plan() {
    let store = FaultyStore::new();
    store.fail_write_at(0, FailureKind::Io);
    store.fail_write_at(1, FailureKind::Full);
    synced(&store, b"1", b"").unwrap_err();
    synced(&store, b"2", b"").unwrap_err();
    store.crash(|_| 0);
    assert!(matches!(synced(&store, b"3", b""), Err(StoreError::Full { .. })));
}
