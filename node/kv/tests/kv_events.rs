//! The events behind the records: one for each change, by revision, and never more than the bound.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use support::{batch, fresh_store, open, rows, transaction};
use tetrarch_kv::store::bounds::{MAX_EVENT_BYTES, MAX_EVENTS};
use tetrarch_kv::{Command, KeyRecord, Operation};
use tetrarch_storage::{MemoryStore, Table};
use tetrarch_types::decode;

const EVENTS: Table = Table::new("kv.events");

type Event = (Vec<u8>, Option<KeyRecord>);

fn events(store: &MemoryStore) -> Vec<(u64, u32, Event)> {
    let one = |(key, bytes): (Vec<u8>, Vec<u8>)| {
        let (revision, number) = key.split_at(8);
        let number = u32::from_be_bytes(number.try_into().unwrap());
        (u64::from_be_bytes(revision.try_into().unwrap()), number, decode(&bytes, usize::MAX).unwrap())
    };
    rows(store, EVENTS).into_iter().map(one).collect()
}

#[test]
fn every_change_is_an_event_in_order() {
    let store = fresh_store();
    let node = open(store.clone());
    let first = Command::new([Operation::put("a", "1"), Operation::put("b", "2"), Operation::delete("a")]);
    node.execute(&batch(1, vec![transaction(1, 1, &first), transaction(1, 2, &Command::delete_prefix("b"))])).unwrap();
    let found = events(&store);
    let told: Vec<_> =
        found.iter().map(|(revision, number, (key, new))| (*revision, *number, &key[..], new.is_some())).collect();
    assert_eq!(told, [(2, 0, &b"a"[..], true), (2, 1, b"b", true), (2, 2, b"a", false), (3, 0, b"b", false)]);
    assert_eq!(found[1].2.1.as_ref().unwrap().mod_revision, 2);
}

#[test]
fn events_are_bounded_in_number_by_whole_revisions() {
    let store = fresh_store();
    let node = open(store.clone());
    for seq in 1..=90 {
        let operations = |_| (0..100).map(|number| Operation::put(format!("k{number}"), ""));
        node.execute(&batch(seq, vec![transaction(1, seq, &Command::new(operations(seq)))])).unwrap();
    }
    let kept = events(&store);
    assert_eq!(kept.len() as u64, MAX_EVENTS / 100 * 100);
    assert_eq!((kept[0].0, kept[0].1), (91 - MAX_EVENTS / 100 + 1, 0));
    assert_eq!(kept.last().unwrap().0, 91);
}

#[test]
fn events_are_bounded_in_bytes_and_the_latest_revision_stays() {
    let store = fresh_store();
    let node = open(store.clone());
    for seq in 1..=8 {
        let command = Command::put("k", vec![0; 1_000_000]);
        node.execute(&batch(seq, vec![transaction(1, seq, &command)])).unwrap();
    }
    let kept = events(&store);
    assert_eq!(kept.len() as u64, MAX_EVENT_BYTES / 1_000_000);
    assert_eq!(kept.last().unwrap().0, 9);
}
