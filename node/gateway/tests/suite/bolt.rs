//! What is written as a database is read again by a reader that shares nothing with the writer, and by Debian's etcdctl.

use std::collections::BTreeMap;
use std::io;

use crate::installed::has_etcdctl;
use crate::support::bolt::{Buckets, pages, read};
use crate::support::programs::etcdctl;
use tetrarch_chance::Rng;
use tetrarch_gateway::bolt::{Database, Entries, Listed, PAGE_BYTES};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn write(buckets: &Buckets) -> Vec<u8> {
    let entries = |pairs: &Pairs| Box::new(Listed(pairs.clone())) as Box<dyn Entries + Send>;
    let buckets = buckets.iter().map(|(name, pairs)| (name.as_bytes().to_vec(), entries(pairs)));
    let database = Database::new(buckets.collect());
    let (mut file, bytes) = (Vec::new(), database.bytes());
    database.write(&mut file).unwrap();
    assert_eq!(file.len() as u64, bytes, "the file is as long as was said before");
    file
}

/// Writes, reads, compares; the file is returned.
fn check(buckets: &Buckets) -> Vec<u8> {
    let file = write(buckets);
    assert_eq!(pages(&file), Some((file.len() / PAGE_BYTES) as u64));
    assert!(read(&file) == *buckets, "what is read is what was written");
    file
}

fn one_bucket(pairs: Pairs) -> Buckets {
    Buckets::from([("key".to_owned(), pairs)])
}

/// Keys as etcd's, in order, with values as long as is said.
fn numbered(values: impl IntoIterator<Item = usize>) -> Pairs {
    let key = |at: usize| [&(at as u64).to_be_bytes()[..], b"_", &[0; 8]].concat();
    values.into_iter().enumerate().map(|(at, bytes)| (key(at), vec![at as u8; bytes])).collect()
}

/// Distinct keys in order, each so long at most.
fn drawn(chance: &mut Rng, count: usize, key: u64, value: u64) -> Pairs {
    let pairs: BTreeMap<Vec<u8>, Vec<u8>> = (0..count)
        .map(|_| {
            let bytes = chance.between(1, key) as usize;
            let key = std::iter::repeat_with(|| chance.below(256) as u8).take(bytes).collect();
            (key, vec![chance.below(256) as u8; chance.below(value + 1) as usize])
        })
        .collect();
    pairs.into_iter().collect()
}

#[test]
fn few_entries_and_none() {
    check(&Buckets::new());
    let file = check(&one_bucket(Vec::new()));
    assert_eq!(file.len(), 5 * PAGE_BYTES, "two first pages, no free ones, an empty leaf and the names");
    check(&one_bucket(numbered([0])));
    check(&one_bucket(numbered([0, 1, 2])));
}

#[test]
fn every_length_around_a_page() {
    for bytes in (3_900..4_200).chain(8_100..8_300) {
        let file = check(&one_bucket(numbered([bytes, 1, bytes])));
        assert!(file.len() <= 12 * PAGE_BYTES, "{bytes}: {}", file.len());
    }
    for entries in 0..300 {
        check(&one_bucket(numbered(vec![40; entries])));
    }
}

#[test]
fn values_of_a_megabyte() {
    let file = check(&one_bucket(numbered([1 << 20, 0, 1 << 20, 100, 5_000])));
    // Two leaves of 257 pages, two of one, one of two; a branch, the names, and the three first pages.
    assert_eq!(file.len(), (2 * 257 + 2 + 2 + 1 + 1 + 3) * PAGE_BYTES);
}

#[test]
fn several_levels_of_branches() {
    let pairs = numbered(vec![60; 200_000]);
    let bytes: usize = pairs.iter().map(|(key, value)| 16 + key.len() + value.len()).sum();
    let file = check(&one_bucket(pairs));
    assert!(file.len() < bytes + bytes / 20, "pages are full: {} of {bytes}", file.len());
}

#[test]
fn keys_longer_than_a_page() {
    // Two of them do not fit into one, so branches have more pages, and as few children as there may be.
    for count in 1..40 {
        let key = |at: usize| [vec![7; 5_000], (at as u64).to_be_bytes().to_vec()].concat();
        check(&one_bucket((0..count).map(|at| (key(at), vec![1; 10])).collect()));
    }
}

#[test]
fn random_buckets() {
    for seed in 0..300 {
        let chance = &mut Rng::new(seed);
        let buckets = chance.index(12);
        let buckets: Buckets = (0..buckets)
            .map(|at| {
                let count = chance.one_of([0, 1, 2, 10, 100, 1_000]);
                let key = chance.one_of([8, 17, 100, 3_000]);
                let value = chance.one_of([0, 20, 300, 9_000]);
                (format!("bucket {at}"), drawn(chance, count, key, value))
            })
            .collect();
        check(&buckets);
    }
}

/// An entry whose value turns out to be longer than it was.
struct Growing;

impl Entries for Growing {
    fn count(&self) -> usize {
        1
    }

    fn key(&self, _: usize) -> Vec<u8> {
        vec![1]
    }

    fn key_len(&self, _: usize) -> usize {
        1
    }

    fn value_len(&self, _: usize) -> usize {
        1
    }

    fn value(&mut self, _: usize) -> io::Result<Vec<u8>> {
        Ok(vec![0; PAGE_BYTES])
    }
}

#[test]
fn a_value_of_another_length_is_refused() {
    let database = Database::new(BTreeMap::from([(vec![1], Box::new(Growing) as Box<dyn Entries + Send>)]));
    let refused = database.write(&mut Vec::new()).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
}

/// bbolt's own check is part of `snapshot status`.
#[test]
fn etcdctl_finds_nothing_wrong() {
    if !has_etcdctl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let long = |at: usize| ([vec![7; 5_000], vec![at as u8]].concat(), vec![1; 10]);
    for (name, other) in [
        ("empty", Buckets::new()),
        ("small", one_bucket(numbered([0, 1, 2]))),
        ("large", one_bucket(numbered([1 << 20, 0, 5_000, 1 << 20]))),
        ("many", one_bucket(numbered(vec![20; 50_000]))),
        ("long", Buckets::from([("long".to_owned(), (0..30).map(long).collect())])),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, check(&other)).unwrap();
        let said = etcdctl("unused", &["snapshot", "status", path.to_str().unwrap(), "-w", "json"], "");
        let keys: usize = other.values().map(Vec::len).sum();
        assert_eq!(said.code, Some(0), "{name}: {said:?}");
        assert!(said.out.contains(&format!("\"totalKey\":{keys},")), "{name}: {said:?}");
    }
}
