//! Invariants, one a file. None of them asks a production predicate: they count, compare and verify by themselves.

mod accountability;
mod accusations;
mod agreed_time;
mod agreement;
mod bounds;
mod certificates;
mod checkpoints;
mod contract;
mod durability;
mod durable_first;
mod exactly_once;
mod execution;
mod genesis;
mod halting;
mod invariant;
mod leaving;
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
mod statement;
mod tentative;
mod validity;
mod watermarks;

use std::sync::Arc;

pub use accountability::FORKS;
pub use rules::Rules;
pub use statement::Statement;

use crate::counters::Counters;
use crate::sight::Sight;
use crate::workload::Workload;

/// What an oracle says: nothing, or what it saw that must not be.
pub type Verdict = Result<(), String>;

/// One invariant.
pub trait Oracle {
    /// Its name, for reports.
    fn name(&self) -> &'static str;

    /// Whether it holds even of clusters with more than f faulty replicas: most are about single replicas then.
    fn outlives_f(&self) -> bool {
        false
    }

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

/// All oracles for a run of this workload.
pub fn all(workload: &Arc<dyn Workload>) -> Vec<Box<dyn Oracle>> {
    let mut oracles = of_every_workload(workload);
    if let Some(machine) = workload.sequential() {
        oracles.push(Box::new(linearizability::Linearizability::new(machine)));
    }
    oracles
}

fn of_every_workload(workload: &Arc<dyn Workload>) -> Vec<Box<dyn Oracle>> {
    vec![
        Box::new(certificates::Certificates::default()),
        Box::new(new_views::NewViews::default()),
        Box::new(promises::Promises::default()),
        Box::new(silence::Silence::default()),
        Box::new(durable_first::DurableFirst::default()),
        Box::new(memory::Memory::default()),
        Box::new(watermarks::Watermarks::default()),
        Box::new(bounds::Bounds::default()),
        Box::new(agreement::Agreement::default()),
        Box::new(agreed_time::AgreedTime),
        Box::new(validity::Validity::default()),
        Box::new(exactly_once::ExactlyOnce::default()),
        Box::new(contract::Contract),
        Box::new(execution::Execution::default()),
        Box::new(tentative::Tentative::default()),
        Box::new(checkpoints::Checkpoints::default()),
        Box::new(halting::Halting),
        Box::new(leaving::Leaving::default()),
        Box::new(accusations::Accusations::default()),
        Box::new(accountability::Accountability::default()),
        Box::new(durability::Durability::default()),
        Box::new(refusals::Refusals::default()),
        Box::new(real_time::RealTime::default()),
        Box::new(replay::Replay::new(workload.clone())),
        Box::new(genesis::Genesis::new(workload.clone())),
        Box::new(invariant::Invariant),
    ]
}

/// Says what is wrong unless something holds.
fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(otherwise()) }
}
