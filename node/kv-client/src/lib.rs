//! The store as a program sees it: [`tetrarch_client`] moves bytes, `tetrarch_kv` knows what they mean, and here is what stands on both.
//!
//! * [`Backend`] is a cluster as whoever signs sees it. The gateway and the native commands are written against it, and tests put a store in
//!   memory in its place.
//! * [`ClusterBackend`] is a real one.
//! * [`turns`] is what locks and elections are made of: queues, and who is first.
//! * [`watch`] gives what happened, revision by revision, believed because enough replicas say so.

#![forbid(unsafe_code)]

mod backend;
mod cluster;
mod rest;
pub mod turns;
pub mod watch;

pub use backend::{Backend, BackendError, ClusterStatus, Freshness, Replica, Standing, Told};
pub use cluster::ClusterBackend;
