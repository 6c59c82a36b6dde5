//! The gateway over a store in memory, as clients see it. One program, since each would compile the whole gateway again.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod alike;
mod bolt;
mod bundling;
mod calls;
mod cancelling;
mod client_programs;
mod clients;
mod compacting;
mod etcdctl;
mod installed;
mod json;
mod move_leader;
mod random;
mod side_by_side;
mod snapshot;
mod snapshot_stream;
mod support;
mod turns;
mod watch_alike;
mod watching;
mod wire;
