//! What this crate promises, topic by topic. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod batches;
mod common;
mod domains;
mod edge_cases;
mod grove;
mod key_files;
mod key_forms;
mod merkle;
mod openssl_files;
mod rfc8032;
mod small_order;
mod state_tree;
mod state_tree_proofs;
mod text_forms;
mod wycheproof;
