//! Load on a cluster or on an etcd, and what it measures: how much is answered, how long it takes, and how long nothing is.
//!
//! * [`Plan`] says what is to be done, by how many clients, and at which pace.
//! * [`Target`] is a client's way in: signed transactions to the replicas, or calls to whatever speaks etcd's API.
//! * [`run`] does it, and gives a [`Measured`].
//! * [`signature_limit`] is what this machine could do at best: sign and verify, and nothing else.
//! * [`EtcdMembers`] is an etcd of three members to compare with, where one is installed.
//! * [`plot`] draws both the course of a run and how its latencies are distributed.
//!
//! # What a latency is
//!
//! With a rate, operations are due at fixed instants, whatever becomes of those before; a latency counts from the instant at which it was due. So
//! a stall of a second shows in all that were due in it, and not in the one that happened to be under way. Without a rate, each client
//! sends its next operation when it has the answer to its last one: that shows how much a cluster can do, and its latencies are
//! those of a queue as long as there are clients.

#![forbid(unsafe_code)]

mod limit;
mod load;
mod measured;
mod members;
mod operation;
mod plan;
mod plot;
mod recording;
mod target;

pub use limit::{Limit, signature_limit};
pub use load::run;
pub use measured::{Latency, Measured};
pub use members::EtcdMembers;
pub use operation::{NoOperation, Operation};
pub use plan::Plan;
pub use plot::{PlotError, plot};
pub use target::{ClusterTarget, EtcdTarget, Target};
