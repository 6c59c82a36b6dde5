//! From etcd's messages to the store's requests, and from its responses back. Pure.

mod operations;
mod responses;
mod txn;

pub(crate) use operations::{delete_range, put, range};
pub(crate) use responses::{deleted, put as put_done, range as selection, txn as txn_done};
pub(crate) use txn::txn;

use tetrarch_kv::KeyRecord;
use tetrarch_kv_client::Standing;

use crate::messages::{KeyValue, ResponseHeader};

/// A response's header.
pub(crate) fn header(standing: Standing, revision: u64) -> ResponseHeader {
    ResponseHeader {
        cluster_id: standing.cluster_id,
        member_id: standing.member_id,
        revision: signed(revision),
        raft_term: standing.view,
    }
}

/// A number of the store's as etcd writes it. None of them comes near the bound.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of etcd's, where what is negative means the same as 0.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A lease's id: etcd writes the same bits with a sign.
pub(crate) const fn lease_id(id: i64) -> u64 {
    id.cast_unsigned()
}

/// A lease's id, as etcd writes it.
pub(crate) const fn etcd_lease_id(id: u64) -> i64 {
    id.cast_signed()
}

/// A record.
pub(crate) fn key_value((key, record): (Vec<u8>, KeyRecord)) -> KeyValue {
    KeyValue {
        key,
        create_revision: signed(record.create_revision),
        mod_revision: signed(record.mod_revision),
        version: signed(record.version),
        value: record.value,
        lease: etcd_lease_id(record.lease),
    }
}
