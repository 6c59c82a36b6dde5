//! The program as its users run it: every test starts real processes. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

#[path = "../../../gateway/tests/suite/client_programs/mod.rs"]
mod client_programs;
mod cluster;
mod common;
mod e2e_bad_inputs;
mod e2e_basics;
mod e2e_bench;
mod e2e_clients;
mod e2e_crashes;
mod e2e_etcdctl;
mod e2e_floods;
mod e2e_gateway;
mod e2e_gateway_faults;
mod e2e_gateway_locks;
mod e2e_gateway_tls;
mod e2e_liars;
mod e2e_lifecycle;
mod e2e_native;
mod e2e_recovery;
mod e2e_sizes;
mod e2e_support;
mod gateway;
#[path = "../../../gateway/tests/suite/installed.rs"]
#[allow(dead_code, reason = "it serves the gateway's tests, and these use some of it")]
mod installed;
mod keys;
mod node;
mod receipts;
mod sim;
mod usage;
