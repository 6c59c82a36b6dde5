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
//!                           ├─ Workload        the machine that they run, what clients ask of it, what must come of it
//!                           ├─ Network         delay, and what faults make of it
//!                           ├─ faults          one kind a file
//!                           └─ oracles         one invariant a file ─▶ Report
//! ```
//!
//! # A machine of your own
//!
//! The cluster runs Tetrarch's store ([`run`]), or any [`StateMachine`](tetrarch_kv::StateMachine) that comes with a [`Workload`]:
//! in a test, [`check`] runs seeds until one fails. `specs/harness-guide.md` is the way from there to a finding, and
//! `examples/counter` the worked example. A whole test:
//!
//! ```
//! use tetrarch_kv::{Context, Overlay, QueryError, StateMachine};
//! use tetrarch_simulator::{Generator, Rng, Workload};
//! use tetrarch_storage::{Reader, StoreError, Table};
//!
//! const VISITS: Table = Table::new("visits");
//!
//! /// Counts: the command is a name, the result how often it came.
//! struct Visits;
//!
//! impl StateMachine for Visits {
//!     fn execute(&self, _: &Context, name: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
//!         let mut visits = state.get(VISITS, name).ok().flatten().unwrap_or_default();
//!         visits.push(b'I');
//!         state.put(VISITS, name, visits.clone());
//!         visits
//!     }
//! #   fn query(&self, name: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
//! #       Ok(state.get(VISITS, name)?.unwrap_or_default())
//! #   }
//! #   fn revision(&self, _: &dyn Reader) -> Result<u64, StoreError> {
//! #       Ok(0)
//! #   }
//! #   fn check(&self, _: &[u8]) -> Result<(), String> {
//! #       Ok(())
//! #   }
//! #   fn tables(&self) -> &'static [Table] {
//! #       &[VISITS]
//! #   }
//!     // … and the rest of the trait
//! }
//!
//! struct Visitor;
//!
//! impl Generator for Visitor {
//!     fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
//!         rng.one_of(["ann", "bob"]).into()
//!     }
//! }
//!
//! struct VisitsWorkload;
//!
//! impl Workload for VisitsWorkload {
//!     fn machine(&self) -> Box<dyn StateMachine> {
//!         Box::new(Visits)
//!     }
//!
//!     fn generator(&self, _client: usize) -> Box<dyn Generator> {
//!         Box::new(Visitor)
//!     }
//! }
//!
//! let survey = tetrarch_simulator::check(VisitsWorkload, 0..4);
//! assert!(survey.answered > 0);
//! ```
//!
//! Deliberately absent, as in all pure crates: tokio, threads, the wall clock, the system's randomness, the environment, and maps
//! without an order.

#![forbid(unsafe_code)]

pub mod chain;
pub mod client;
pub mod counters;
pub mod coverage;
pub mod draw;
pub mod fairness;
pub mod faults;
pub mod hunt;
pub mod letter;
pub mod menu;
pub mod network;
pub mod node;
pub mod options;
pub mod oracles;
pub mod queue;
pub mod recording;
pub mod report;
pub mod scheme;
pub mod seed;
pub mod shrink;
pub mod sight;
pub mod state_digest;
pub mod trace;
pub mod trouble;
pub mod twins;
pub mod workload;
mod world;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

pub use counters::Counters;
pub use draw::Drawn;
pub use hunt::{Finding, Survey, check, hunt};
pub use options::{NoProfile, Options, Profile};
pub use report::{Failure, Report, replay_line};
pub use rng::Rng;
pub use scheme::Signatures;
pub use seed::{NoSeed, Seed};
pub use tetrarch_adversary as adversary;
pub use tetrarch_chance as rng;
pub use trouble::{NoTrouble, Trouble};
pub use workload::{Generator, KvWorkload, Model, Workload};

/// Runs the simulation of a seed to its end, or to the first invariant that does not hold: Tetrarch's own store.
pub fn run(seed: Seed, options: &Options) -> Report {
    run_with(seed, options, Arc::new(KvWorkload))
}

/// The same for any machine that a workload puts under the harness.
pub fn run_with(seed: Seed, options: &Options, workload: Arc<dyn Workload>) -> Report {
    let world = || world::World::new(seed, options, &workload).run();
    #[cfg(feature = "mutants")]
    let world = || tetrarch_mutants::with(options.mutant, world);
    // No replica may panic on anything that it receives (law 2): one that does is a finding, with a seed that replays it.
    std::panic::catch_unwind(AssertUnwindSafe(world))
        .unwrap_or_else(|panic| Report::of_panic(seed, options, panic.as_ref()))
}
