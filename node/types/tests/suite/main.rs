//! What goes over the wire and what is checked of it, topic by topic. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod codec;
mod conformance;
mod evidence;
mod genesis;
mod limits;
mod membership;
mod nonces;
mod replies;
mod state_proofs;
mod support;
mod verify_batches;
mod verify_certificates;
mod verify_proposals;
mod verify_signatures;
mod verify_state;
mod verify_transactions;
mod verify_view_changes;
