//! The history explains itself: executed in the agreed order on the workload's model, the commands give every answer that a client
//! got. The store's model knows puts, deletes, reads and compare-and-swaps, revisions and versions, and is not the store's code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tetrarch_crypto::PublicKey;
use tetrarch_kv::Context;
use tetrarch_types::{Outcome, SeqNum, Timestamp, Transaction, TransactionId};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::{Sight, Told};
use crate::workload::Workload;

/// See the module.
pub(super) struct Replay {
    workload: Arc<dyn Workload>,
    order: BTreeMap<SeqNum, (Timestamp, Vec<Transaction>)>,
    told: Vec<Told>,
}

/// What the model says of a transaction.
struct Expected<'a> {
    seq: SeqNum,
    command: &'a [u8],
    result: Vec<u8>,
}

impl Replay {
    pub(super) fn new(workload: Arc<dyn Workload>) -> Self {
        Self { workload, order: BTreeMap::new(), told: Vec::new() }
    }

    fn history(&self) -> BTreeMap<TransactionId, Expected<'_>> {
        let mut model = self.workload.model();
        let mut spent: BTreeSet<(PublicKey, u64)> = BTreeSet::new();
        let mut history = BTreeMap::new();
        let mut time = Timestamp::ZERO;
        for (seq, (stamp, transactions)) in &self.order {
            // Agreed time: it never goes back.
            time = if transactions.is_empty() { time } else { time.max(*stamp) };
            for (index, transaction) in (0_u32..).zip(transactions) {
                let body = &transaction.body;
                if spent.insert((body.sender, body.nonce)) {
                    let result = model.execute(&Context { seq: *seq, index, time }, &body.command);
                    history.insert(transaction.id(), Expected { seq: *seq, command: &body.command, result });
                }
            }
        }
        history
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
            Sight::Executing { batch, .. } => {
                let order = self.order.entry(batch.seq);
                order.or_insert_with(|| (batch.batch.timestamp, batch.transactions.clone()));
            }
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
        for Told { transaction, seq, outcome } in told {
            let expected = history.get(transaction);
            let expected = expected.ok_or_else(|| format!("a client was told of {transaction}, which is nowhere"))?;
            let holds = expected.seq == *seq && *outcome == Outcome::Executed(expected.result.clone());
            ensure(holds, || {
                let (command, told) = (self.workload.show_command(expected.command), self.shown(outcome));
                let (at, due) = (expected.seq, self.workload.show_result(&expected.result));
                format!("to {command} a client was told {told} from batch {seq}; the model says {due} in batch {at}")
            })?;
        }
        Ok(())
    }
}
