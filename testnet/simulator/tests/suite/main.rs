//! The simulator: that it is one, and that what it looks for is found. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod determinism;
mod disk;
mod full_disk;
mod kv_workload;
mod linearizability;
mod menu;
mod oracles;
mod recording;
mod seeds;
mod shrink;
mod signatures;
mod support;
mod twins;
mod workload;
