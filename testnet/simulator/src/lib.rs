//! Whole clusters on one thread under a seed.
//!
//! The shipping replica, execution, journal and recovery run over a simulated network, simulated clocks and simulated disks. One
//! seed decides everything: how many replicas, what goes wrong, who lies. The same seed gives the same run, event by event.
//!
//! ```text
//!   seed ─▶ Drawn ─▶ World ─┬─ Node × n      replica, journal, execution over a FaultyStore
//!                           ├─ Adversary × ≤f  a node whose words are rewritten
//!                           ├─ Client          signs, sends, believes a quorum
//!                           ├─ Hostile         a client with one kind of mischief a file
//!                           ├─ Network         delay, and what faults make of it
//!                           ├─ faults          one kind a file
//!                           └─ oracles         one invariant a file ─▶ Report
//! ```
//!
//! Deliberately absent, as in all pure crates: tokio, threads, the wall clock, the system's randomness, the environment, and maps
//! without an order.

#![forbid(unsafe_code)]

pub mod chain;
pub mod client;
pub mod counters;
pub mod draw;
pub mod fairness;
pub mod faults;
pub mod letter;
pub mod model;
pub mod network;
pub mod node;
pub mod options;
pub mod oracles;
pub mod queue;
pub mod report;
pub mod scheme;
pub mod seed;
pub mod sequential;
pub mod sight;
pub mod state_digest;
pub mod trace;
mod world;

use std::panic::AssertUnwindSafe;

pub use counters::Counters;
pub use draw::Drawn;
pub use options::{NoProfile, Options, Profile};
pub use report::{Failure, Report, replay_line};
pub use scheme::Signatures;
pub use seed::{NoSeed, Seed};
pub use tetrarch_adversary as adversary;
pub use tetrarch_chance as rng;

/// Runs the simulation of a seed to its end, or to the first invariant that does not hold.
pub fn run(seed: Seed, options: &Options) -> Report {
    let world = || world::World::new(seed, options).run();
    // No replica may panic on anything that it receives (law 2): one that does is a finding, with a seed that replays it.
    std::panic::catch_unwind(AssertUnwindSafe(world))
        .unwrap_or_else(|panic| Report::of_panic(seed, options, panic.as_ref()))
}
