//! Real time: what was answered before something else was asked stands before it in the order.

use std::collections::BTreeMap;

use tetrarch_types::{SeqNum, TransactionId};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module. Answers come in order of time, so the highest place answered so far bounds everything asked from then on.
#[derive(Default)]
pub(super) struct RealTime {
    /// The highest batch of which a client had been told when the transaction was sent first.
    bounds: BTreeMap<TransactionId, SeqNum>,
    highest: SeqNum,
}

impl Oracle for RealTime {
    fn name(&self) -> &'static str {
        "real-time-order"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Issued { transaction, .. } => {
                self.bounds.insert(transaction.id(), self.highest);
                Ok(())
            }
            Sight::Told { answer, .. } => {
                self.highest = self.highest.max(answer.seq);
                let Some(bound) = self.bounds.get(&answer.transaction).copied() else { return Ok(()) };
                ensure(answer.seq > bound, || {
                    let id = answer.transaction;
                    format!("{id} was asked after a client knew of batch {bound}, and is in batch {}", answer.seq)
                })
            }
            _ => Ok(()),
        }
    }
}
