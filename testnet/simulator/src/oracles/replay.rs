//! The history explains itself: executed in the agreed order on the workload's model, the commands give every answer that a client
//! got. The store's model knows puts, deletes, reads and compare-and-swaps, revisions and versions, and is not the store's code.

use std::collections::BTreeMap;
use std::sync::Arc;

use tetrarch_types::{Outcome, SeqNum, TransactionId};

use super::order::{Fate, Order, Settled};
use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::{Sight, Told};
use crate::workload::Workload;

/// See the module.
pub(super) struct Replay {
    workload: Arc<dyn Workload>,
    order: Order,
    told: Vec<Told>,
}

/// What the model says of a transaction.
struct Expected<'a> {
    seq: SeqNum,
    command: &'a [u8],
    outcome: Outcome,
}

impl Replay {
    pub(super) fn new(workload: Arc<dyn Workload>) -> Self {
        Self { workload, order: Order::default(), told: Vec::new() }
    }

    fn history(&self) -> BTreeMap<TransactionId, Expected<'_>> {
        let mut model = self.workload.model();
        let mut begun = self.order.begun().peekable();
        let expected = |Settled { context, transaction, fate }| {
            while let Some((_, time)) = begun.next_if(|(seq, _)| *seq <= context.seq) {
                model.begin_batch(time);
            }
            let command = transaction.body.command.as_slice();
            let outcome = match fate {
                Fate::Executed => Outcome::Executed(model.execute(&context, command)),
                Fate::Expired => Outcome::Expired,
                Fate::ValidTooLong => Outcome::ValidTooLong,
            };
            (transaction.id(), Expected { seq: context.seq, command, outcome })
        };
        self.order.settled().map(expected).collect()
    }

    fn shown(&self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Executed(result) => self.workload.show_result(result),
            other => format!("{other:?}"),
        }
    }
}

impl Oracle for Replay {
    fn name(&self) -> &'static str {
        "history"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Executing { batch, .. } => self.order.learn(batch),
            Sight::Told { answer, .. } => self.told.push(answer.clone()),
            _ => {}
        }
        Ok(())
    }

    fn conclude(&mut self, _rules: &Rules) -> Verdict {
        let history = self.history();
        // In the one order, so that the first answer that is wrong is told.
        let mut told: Vec<&Told> = self.told.iter().collect();
        told.sort_by_key(|told| told.seq);
        for Told { transaction, seq, outcome, .. } in told {
            let expected = history.get(transaction);
            let expected = expected.ok_or_else(|| format!("a client was told of {transaction}, which is nowhere"))?;
            ensure(expected.seq == *seq && expected.outcome == *outcome, || {
                let (command, told) = (self.workload.show_command(expected.command), self.shown(outcome));
                let (at, due) = (expected.seq, self.shown(&expected.outcome));
                format!("to {command} a client was told {told} from batch {seq}; the model says {due} in batch {at}")
            })?;
        }
        Ok(())
    }
}
