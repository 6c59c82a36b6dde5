//! The client against replicas that say what a test has them say, topic by topic. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod common;
mod nonces;
mod proofs;
mod read;
mod receipts;
mod submit;
mod tentative;
