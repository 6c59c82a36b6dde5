//! The etcd v3 face of a Tetrarch cluster: unmodified etcd clients talk to it (`specs/gateway.md`).
//!
//! A gateway stands beside the application that trusts it. It speaks etcd's gRPC API, version 3.5, and asks the cluster through a [`Backend`](tetrarch_kv_client::Backend).
//!
//! # Rooms, each using those below it
//!
//! * [`serve`] listens; `connections` are accepted with bounds, and wrapped in TLS if there is a certificate.
//! * `services` answer calls, one file for each service of etcd's API. Its table of methods is everything that is answered; the rest is
//!   refused with a sentence.
//! * `gateway` is what all services share: it orders requests, asks queries, and knows what a response's header says.
//! * `watches` follow the cluster once for all who watch it, and those who begin further back each on their own.
//! * `address` is where clients are told to come.
//! * `compactor` lets go of history that is old enough, if it is told to.
//! * `orderer` lets concurrent requests travel as one command; what fits together, and whose result is whose, `bundle` decides, which is pure.
//! * `snapshot` makes an etcd's database of a store, in the format that [`bolt`] writes.
//! * `translate` is pure too: from etcd's messages to the store's requests, and back.
//! * `refusal` has etcd's error texts and codes, and `metrics` what is counted.
//! * [`messages`] are etcd's messages.
//!
//! # No generated code
//!
//! The services stand on tonic's `Grpc` and a table of method names, not on what `tonic_build` would generate: that is a trait and a server for
//! each service, with all of etcd's methods implemented by hand only to refuse most of them, and no place for a sentence about services
//! that are not there at all. So there is no build script, and no protocol compiler.

#![forbid(unsafe_code)]

mod address;
pub mod bolt;
mod bundle;
mod callers;
mod compactor;
mod connections;
mod gateway;
mod hosts;
mod json;
mod limits;
pub mod messages;
mod metrics;
mod orderer;
mod refusal;
mod server;
mod services;
mod snapshot;
mod tls;
mod translate;
mod watches;

pub use compactor::AutoCompaction;
pub use server::{Options, ServeError, serve};
pub use tls::{Tls, TlsError, TlsFiles};
