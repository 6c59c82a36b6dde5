//! What etcd 3.5 keeps in its database, and how it is written there; 3.4 and 3.6 read it too.

use prost::Message;
use tetrarch_kv::KeyRecord;

use crate::messages::KeyValue;
use crate::translate::{etcd_lease_id, key_value, signed};

/// The bucket of the records.
pub(super) const KEY: &str = "key";

/// The bucket of the leases.
pub(super) const LEASE: &str = "lease";

/// The bucket of what there is once.
pub(super) const META: &str = "meta";

/// Buckets that an etcd has, and that say nothing of the store: a restore writes its own members, and there are no users here.
pub(super) const EMPTY: &[&str] = &["alarm", "auth", "authRoles", "authUsers", "cluster", "members", "members_removed"];

/// The bytes of a revision's name.
pub(super) const REVISION_BYTES: usize = 17;

/// A lease, as etcd keeps it.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Lease {
    #[prost(int64, tag = "1")]
    pub(super) id: i64,
    /// As granted, in seconds. It begins anew when the etcd on the database begins to lead.
    #[prost(int64, tag = "2")]
    pub(super) ttl: i64,
}

/// The name of what happened at a revision; of what it did to several keys each has a number.
pub(super) fn revision(main: u64, sub: u32) -> Vec<u8> {
    [&main.to_be_bytes()[..], b"_", &u64::from(sub).to_be_bytes()].concat()
}

/// The name of a deletion.
pub(super) fn tombstone(main: u64, sub: u32) -> Vec<u8> {
    [revision(main, sub), b"t".to_vec()].concat()
}

/// A record.
pub(super) fn record(key: Vec<u8>, record: KeyRecord) -> Vec<u8> {
    key_value((key, record)).encode_to_vec()
}

/// What is kept of a deleted key.
pub(super) fn deleted(key: Vec<u8>) -> Vec<u8> {
    KeyValue { key, ..KeyValue::default() }.encode_to_vec()
}

/// A lease's name and what is kept of it.
pub(super) fn lease(id: u64, ttl: u64) -> (Vec<u8>, Vec<u8>) {
    let lease = Lease { id: etcd_lease_id(id), ttl: signed(ttl) };
    (id.to_be_bytes().to_vec(), lease.encode_to_vec())
}

/// What says that nothing before a revision is there, as after a compaction; and a place in a log, which a restore replaces.
pub(super) fn meta(main: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
    let first = 1_u64.to_be_bytes().to_vec();
    vec![
        (b"consistent_index".to_vec(), first.clone()),
        (b"finishedCompactRev".to_vec(), revision(main, 0)),
        (b"scheduledCompactRev".to_vec(), revision(main, 0)),
        (b"term".to_vec(), first),
    ]
}
