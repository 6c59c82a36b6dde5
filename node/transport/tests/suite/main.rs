//! Peers and clients over loopback QUIC, topic by topic. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod client_limits;
mod clients;
mod common;
mod exchange;
mod identity;
mod misbehaviour;
