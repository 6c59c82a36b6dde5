//! From records to messages.

use std::collections::BTreeMap;
use std::io::{self, Cursor};

use prost::Message;
use sha2::{Digest as _, Sha256};
use tetrarch_kv::KeyRecord;

use super::spool::Keys;
use super::*;
use crate::bolt::Entries;
use crate::messages::KeyValue;

const BOUNDS: Bounds = Bounds { records: 100, bytes: 10_000, leases: 2 };

fn record(mod_revision: u64, lease: u64, bytes: usize) -> KeyRecord {
    KeyRecord { value: vec![1; bytes], create_revision: 2, mod_revision, version: 3, lease }
}

fn spool(records: &[(&str, u64)], bounds: Bounds) -> Result<Spool<Cursor<Vec<u8>>>, SpoolError> {
    let mut spool = Spool::new(Cursor::default(), bounds);
    for (key, revision) in records {
        spool.add(vec![(key.as_bytes().to_vec(), record(*revision, 0, 10))])?;
    }
    Ok(spool)
}

/// The names of revisions, the sub numbers, and the keys.
fn told(keys: &mut Keys<Cursor<Vec<u8>>>) -> Vec<(Vec<u8>, String)> {
    let count = keys.count();
    let entry = |at| {
        let kv = KeyValue::decode(keys.value(at).unwrap().as_slice()).unwrap();
        assert_eq!(keys.key(at).len(), keys.key_len(at));
        (keys.key(at), String::from_utf8(kv.key).unwrap())
    };
    (0..count).map(entry).collect()
}

#[test]
fn records_come_by_revision_then_by_key_and_deletions_of_the_latest_last() {
    let spool = spool(&[("a", 9), ("b", 5), ("c", 9), ("d", 5), ("e", 7)], BOUNDS).unwrap();
    let mut keys = spool.sort(9, vec![b"x".to_vec(), b"y".to_vec()]).unwrap();
    let name =
        |main: u8, sub: u8, end: &[u8]| [&[0, 0, 0, 0, 0, 0, 0, main, b'_', 0, 0, 0, 0, 0, 0, 0, sub], end].concat();
    let expected = [
        (name(5, 0, b""), "b"),
        (name(5, 1, b""), "d"),
        (name(7, 0, b""), "e"),
        (name(9, 0, b""), "a"),
        (name(9, 1, b""), "c"),
        (name(9, 2, b"t"), "x"),
        (name(9, 3, b"t"), "y"),
    ];
    assert_eq!(told(&mut keys), expected.map(|(name, key)| (name, key.to_owned())));
}

#[test]
fn what_goes_beyond_a_bound_is_refused() {
    let three = [("a", 2), ("b", 3), ("c", 4)];
    assert!(spool(&three, Bounds { records: 3, ..BOUNDS }).is_ok());
    assert!(matches!(spool(&three, Bounds { records: 2, ..BOUNDS }), Err(SpoolError::Full)));
    assert!(matches!(spool(&three, Bounds { bytes: 40, ..BOUNDS }), Err(SpoolError::Full)));
    let mut leased = spool(&[], BOUNDS).unwrap();
    leased.add(vec![(b"a".to_vec(), record(2, 7, 0)), (b"b".to_vec(), record(2, 8, 0))]).unwrap();
    assert_eq!(leased.leases().iter().copied().collect::<Vec<_>>(), [7, 8]);
    assert!(matches!(leased.add(vec![(b"c".to_vec(), record(2, 9, 0))]), Err(SpoolError::Full)));
    let full = spool(&three, Bounds { records: 3, ..BOUNDS }).unwrap();
    assert!(matches!(full.sort(5, vec![b"x".to_vec()]), Err(SpoolError::Full)));
}

#[test]
fn messages_count_down_and_the_last_is_the_hash_of_all_others() {
    let mut spool = spool(&[("a", 2)], Bounds { bytes: 1 << 20, ..BOUNDS }).unwrap();
    spool.add(vec![(b"b".to_vec(), record(3, 7, 100_000))]).unwrap();
    let database = database(3, spool.sort(3, Vec::new()).unwrap(), BTreeMap::from([(7, 60)]));
    let (bytes, mut messages) = (database.bytes(), Vec::new());
    send(database, |message| {
        messages.push(message);
        Ok(())
    })
    .unwrap();
    let hash = messages.pop().unwrap();
    let mut left = bytes;
    for (at, message) in messages.iter().enumerate() {
        assert!(message.blob.len() == 32 * 1024 || at + 1 == messages.len(), "only the last may be short");
        left -= message.blob.len() as u64;
        assert_eq!((message.header, message.remaining_bytes), (None, left));
    }
    let all = messages.into_iter().fold(Sha256::new(), |hash, message| hash.chain_update(message.blob));
    assert_eq!((left, hash.remaining_bytes, hash.blob), (0, 0, all.finalize().to_vec()));
}

#[test]
fn nobody_to_listen_ends_it() {
    let keys = spool(&[("a", 2)], BOUNDS).unwrap().sort(2, Vec::new()).unwrap();
    let gone = send(database(2, keys, BTreeMap::new()), |_| Err(io::ErrorKind::BrokenPipe.into()));
    assert_eq!(gone.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
