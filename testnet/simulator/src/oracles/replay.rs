//! The history explains itself: executed in the agreed order on a model of the store, the commands give every answer that a client
//! got. The model knows puts, deletes, reads and compare-and-swaps, revisions and versions, and is not the store's code.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::PublicKey;
use tetrarch_types::{Outcome, SeqNum, Transaction, TransactionId};

use super::{Oracle, Rules, Verdict, ensure};
use crate::model::Model;
use crate::sight::{Sight, Told};

/// See the module.
#[derive(Default)]
pub(super) struct Replay {
    order: BTreeMap<SeqNum, Vec<Transaction>>,
    told: Vec<Told>,
}

impl Replay {
    fn outcomes(&self) -> BTreeMap<TransactionId, (SeqNum, Vec<u8>)> {
        let mut model = Model::default();
        let mut spent: BTreeSet<(PublicKey, u64)> = BTreeSet::new();
        let mut outcomes = BTreeMap::new();
        for (seq, transactions) in &self.order {
            for transaction in transactions {
                if spent.insert((transaction.body.sender, transaction.body.nonce)) {
                    outcomes.insert(transaction.id(), (*seq, model.execute(&transaction.body.command)));
                }
            }
        }
        outcomes
    }
}

impl Oracle for Replay {
    fn name(&self) -> &'static str {
        "history"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Executing { batch, .. } => {
                self.order.entry(batch.seq).or_insert_with(|| batch.transactions.clone());
            }
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
            let holds = expected.0 == *seq && *outcome == Outcome::Executed(expected.1.clone());
            ensure(holds, || {
                let (at, bytes) = expected;
                format!("a client was told {outcome:?} of {transaction} in {seq}; the history gives {bytes:?} in {at}")
            })?;
        }
        Ok(())
    }
}
