//! Exactly once: no transaction and no nonce of a sender is carried out at two places of the one order.

use std::collections::BTreeMap;

use tetrarch_crypto::PublicKey;
use tetrarch_types::{CommittedBatch, SeqNum, TransactionId};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct ExactlyOnce {
    /// Of every transaction in a decided batch.
    nonces: BTreeMap<TransactionId, (PublicKey, u64)>,
    places: BTreeMap<TransactionId, SeqNum>,
    spent: BTreeMap<(PublicKey, u64), TransactionId>,
}

impl ExactlyOnce {
    fn learn(&mut self, batch: &CommittedBatch) {
        for transaction in &batch.transactions {
            self.nonces.insert(transaction.id(), (transaction.body.sender, transaction.body.nonce));
        }
    }

    fn carried_out(&mut self, id: TransactionId, seq: SeqNum) -> Verdict {
        let place = *self.places.entry(id).or_insert(seq);
        ensure(place == seq, || format!("transaction {id} is carried out in batch {seq} and was in batch {place}"))?;
        let nonce = self.nonces.get(&id).copied();
        let nonce = nonce.ok_or_else(|| format!("transaction {id} is carried out in batch {seq}, which lacks it"))?;
        let first = *self.spent.entry(nonce).or_insert(id);
        ensure(first == id, || format!("transactions {first} and {id} are carried out with one nonce, {}", nonce.1))
    }
}

impl Oracle for ExactlyOnce {
    fn name(&self) -> &'static str {
        "exactly-once"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Executing { batch, .. } => {
                self.learn(batch);
                Ok(())
            }
            Sight::Executed { executed, .. } => {
                let seq = executed.seq;
                executed.replies.iter().try_for_each(|reply| self.carried_out(reply.transaction, seq))
            }
            _ => Ok(()),
        }
    }
}
