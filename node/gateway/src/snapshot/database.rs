//! The buckets of an etcd.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::schema::{EMPTY, KEY, LEASE, META, lease, meta};
use super::spool::Keys;
use crate::bolt::{Database, Entries, Listed};

/// The database of an etcd at a revision, with these records and leases (ids, and times to live in seconds).
pub(crate) fn database<F: Read + Seek + Send + 'static>(
    revision: u64,
    keys: Keys<F>,
    leases: BTreeMap<u64, u64>,
) -> Database {
    let leases = leases.into_iter().map(|(id, ttl)| lease(id, ttl)).collect();
    let mut buckets: BTreeMap<Vec<u8>, Box<dyn Entries + Send>> = BTreeMap::new();
    for name in EMPTY {
        buckets.insert(name.as_bytes().to_vec(), Box::new(Listed::default()));
    }
    buckets.insert(KEY.as_bytes().to_vec(), Box::new(keys));
    buckets.insert(LEASE.as_bytes().to_vec(), Box::new(Listed(leases)));
    buckets.insert(META.as_bytes().to_vec(), Box::new(Listed(meta(revision))));
    Database::new(buckets)
}
