//! Invariants, one a file. None of them asks a production predicate: they count, compare and verify by themselves.

mod accusations;
mod agreement;
mod bounds;
mod certificates;
mod checkpoints;
mod durability;
mod durable_first;
mod exactly_once;
mod execution;
mod genesis;
mod halting;
mod linearizability;
mod memory;
mod new_views;
mod order;
mod promises;
mod real_time;
mod refusals;
mod replay;
mod rules;
mod silence;
mod validity;

pub use rules::Rules;

use tetrarch_kv::KvMachine;

use crate::counters::Counters;
use crate::model::Model;
use crate::sight::Sight;

/// What an oracle says: nothing, or what it saw that must not be.
pub type Verdict = Result<(), String>;

/// One invariant.
pub trait Oracle {
    /// Its name, for reports.
    fn name(&self) -> &'static str;

    /// Looks at one observation.
    ///
    /// # Errors
    /// What must not be.
    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict;

    /// Looks back when the run is over and healed.
    ///
    /// # Errors
    /// What must not be.
    fn conclude(&mut self, _rules: &Rules) -> Verdict {
        Ok(())
    }

    /// What it counted, for the report.
    fn figures(&self) -> Counters {
        Counters::new()
    }
}

/// All oracles.
pub fn all() -> Vec<Box<dyn Oracle>> {
    vec![
        Box::new(certificates::Certificates::default()),
        Box::new(new_views::NewViews),
        Box::new(promises::Promises::default()),
        Box::new(silence::Silence::default()),
        Box::new(durable_first::DurableFirst::default()),
        Box::new(memory::Memory::default()),
        Box::new(bounds::Bounds::default()),
        Box::new(agreement::Agreement::default()),
        Box::new(validity::Validity::default()),
        Box::new(exactly_once::ExactlyOnce::default()),
        Box::new(execution::Execution::default()),
        Box::new(checkpoints::Checkpoints::default()),
        Box::new(halting::Halting),
        Box::new(accusations::Accusations::default()),
        Box::new(durability::Durability::default()),
        Box::new(refusals::Refusals::default()),
        Box::new(real_time::RealTime::default()),
        Box::new(replay::Replay::default()),
        Box::new(genesis::Genesis::<KvMachine>::default()),
        Box::new(linearizability::Linearizability::<Model>::default()),
    ]
}

/// Says what is wrong unless something holds.
fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(otherwise()) }
}
