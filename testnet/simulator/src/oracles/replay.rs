//! The history explains itself: executed in the agreed order on a model of the store, the commands give every answer that a client
//! got. The model knows puts, deletes, reads and compare-and-swaps, revisions and versions, and is not the store's code.

use std::collections::BTreeMap;

use tetrarch_types::{Outcome, SeqNum, Transaction, TransactionId};

use super::order::{Fate, Order};
use super::{Oracle, Rules, Verdict, ensure};
use crate::model::Model;
use crate::sight::{Sight, Told};

/// See the module.
#[derive(Default)]
pub(super) struct Replay {
    order: Order,
    told: Vec<Told>,
}

impl Replay {
    fn outcomes(&self) -> BTreeMap<TransactionId, (SeqNum, Outcome)> {
        let mut model = Model::default();
        let outcome = |(seq, transaction, fate): (SeqNum, &Transaction, Fate)| {
            let outcome = match fate {
                Fate::Executed => Outcome::Executed(model.execute(&transaction.body.command)),
                Fate::Expired => Outcome::Expired,
                Fate::ValidTooLong => Outcome::ValidTooLong,
            };
            (transaction.id(), (seq, outcome))
        };
        self.order.settled().map(outcome).collect()
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
        let outcomes = self.outcomes();
        for Told { transaction, seq, outcome } in &self.told {
            let expected = outcomes.get(transaction);
            let expected = expected.ok_or_else(|| format!("a client was told of {transaction}, which is nowhere"))?;
            ensure(expected == &(*seq, outcome.clone()), || {
                let (at, due) = expected;
                format!("a client was told {outcome:?} of {transaction} in {seq}; the history gives {due:?} in {at}")
            })?;
        }
        Ok(())
    }
}
