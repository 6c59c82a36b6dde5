//! Linearizability: the clients' answers alone, with when they asked and when they were told, have an order that explains them. Neither
//! sequence numbers nor what replicas did is looked at.
//!
//! ```text
//!   asked, told, never told ─▶ History ─▶ partitions by key ─▶ search ─▶ explained | contradiction | undecided
//! ```
//!
//! Wing and Gong, "Testing and verifying concurrent objects" (1993), with Lowe's memory of configurations ("Testing for
//! linearizability", 2017). What was never answered may have taken effect at any time after it was asked, or never. The search is
//! bounded: a partition that is too hard is counted as undecided.

mod history;
mod search;

use tetrarch_types::Outcome;

use super::{Oracle, Rules, Verdict};
use crate::counters::Counters;
use crate::sight::Sight;
use crate::workload::Sequential;
use history::History;
use search::{Finding, search};

/// Operations that were judged.
const OPERATIONS: &str = "linearized-operations";

/// Operations beside them of which nobody was told what became of them.
const OPEN: &str = "linearizability-open";

/// Partitions that were too hard.
const UNDECIDED: &str = "linearizability-undecided";

/// See the module.
pub(super) struct Linearizability {
    /// As it is before the first command.
    machine: Box<dyn Sequential>,
    history: History,
    figures: Counters,
}

impl Linearizability {
    pub(super) fn new(machine: Box<dyn Sequential>) -> Self {
        let figures = Counters::from([(OPERATIONS, 0), (OPEN, 0), (UNDECIDED, 0)]);
        Self { machine, history: History::default(), figures }
    }

    fn count(&mut self, figure: &'static str, times: usize) {
        *self.figures.entry(figure).or_default() += times as u64;
    }
}

impl Oracle for Linearizability {
    fn name(&self) -> &'static str {
        "linearizability"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Issued { transaction, .. } => self.history.ask(transaction.id(), &transaction.body.command),
            Sight::Told { answer, .. } => match &answer.outcome {
                Outcome::Executed(result) => self.history.answer(&answer.transaction, self.machine.local(result)),
                Outcome::Expired | Outcome::ValidTooLong => self.history.dismiss(&answer.transaction),
            },
            Sight::ToldNever { transaction } => self.history.dismiss(transaction),
            _ => {}
        }
        Ok(())
    }

    fn conclude(&mut self, _rules: &Rules) -> Verdict {
        for partition in self.history.partitions(self.machine.as_ref()) {
            self.count(OPERATIONS, partition.answered.len());
            self.count(OPEN, partition.open.len());
            match search(&partition, self.machine.as_ref()) {
                Finding::Explained => {}
                Finding::Undecided => self.count(UNDECIDED, 1),
                Finding::Contradiction { explained, stuck } => {
                    let (all, keys) = (partition.answered.len(), partition.keys());
                    return Err(format!(
                        "no order explains the {all} answers about {keys}: after {explained} of them none fits, not even {stuck}"
                    ));
                }
            }
        }
        Ok(())
    }

    fn figures(&self) -> Counters {
        self.figures.clone()
    }
}
