//! Execution, the state tree, transfer and the store, topic by topic. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod alarm;
mod crash;
mod determinism;
mod early_folds;
mod exactly_once;
mod held_snapshots;
mod install;
mod kv_arbitrary;
mod kv_bounds;
mod kv_crowds;
mod kv_encoding;
mod kv_leases;
mod kv_model;
mod kv_moves;
mod kv_pages;
mod kv_semantics;
mod kv_story;
mod ledger;
mod machine_contract;
mod opening;
mod overlay;
mod reply_cache;
mod requests;
mod support;
mod tentative;
mod transfer_lies;
mod transfer_support;
mod transfer_turns;
mod tree_damage;
mod tree_model;
mod tree_parts;
mod tree_proofs;
mod tree_support;
mod validity;
