//! etcd's messages, as its clients and servers of version 3.5 put them on the wire: one file for each service.
//!
//! They are written by hand for `prost`, so that a build needs no protocol compiler. Names, field numbers and types are etcd's; what a field
//! means, etcd's documentation of its API says (<https://etcd.io/docs/v3.5/dev-guide/api_reference_v3/>).
#![allow(missing_docs, reason = "what the fields mean is for etcd's own documentation to say")]

pub mod auth;
pub mod cluster;
pub mod election;
pub mod health;
pub mod kv;
pub mod lease;
pub mod lock;
pub mod maintenance;
pub mod txn;
pub mod watch;

/// Where in the store's history, and by whom, a response was given.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct ResponseHeader {
    #[prost(uint64, tag = "1")]
    pub cluster_id: u64,
    #[prost(uint64, tag = "2")]
    pub member_id: u64,
    #[prost(int64, tag = "3")]
    pub revision: i64,
    #[prost(uint64, tag = "4")]
    pub raft_term: u64,
}

/// A key and its record.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct KeyValue {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(int64, tag = "2")]
    pub create_revision: i64,
    #[prost(int64, tag = "3")]
    pub mod_revision: i64,
    #[prost(int64, tag = "4")]
    pub version: i64,
    #[prost(bytes = "vec", tag = "5")]
    pub value: Vec<u8>,
    #[prost(int64, tag = "6")]
    pub lease: i64,
}
