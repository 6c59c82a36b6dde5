//! Validity: what is executed was signed by the client that it names, and sent by it.

use std::collections::BTreeSet;

use tetrarch_types::{Transaction, TransactionId};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Validity {
    issued: BTreeSet<TransactionId>,
    /// Executed and found signed.
    checked: BTreeSet<TransactionId>,
}

impl Validity {
    fn check(&mut self, transaction: &Transaction, rules: &Rules) -> Verdict {
        let id = transaction.id();
        if self.checked.contains(&id) {
            return Ok(());
        }
        ensure(rules.holds(transaction.body.sender, &transaction.body, transaction.signature), || {
            format!("transaction {id} is executed and its signature does not hold")
        })?;
        ensure(transaction.body.chain == rules.scope.genesis, || format!("transaction {id} is of another chain"))?;
        ensure(self.issued.contains(&id), || format!("transaction {id} is executed and nobody sent it"))?;
        self.checked.insert(id);
        Ok(())
    }
}

impl Oracle for Validity {
    fn name(&self) -> &'static str {
        "validity"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict {
        match sight {
            Sight::Issued { transaction, .. } => {
                self.issued.insert(transaction.id());
                Ok(())
            }
            Sight::Executing { by, batch } => {
                let named = batch.batch.transactions.iter().copied();
                ensure(named.eq(batch.transactions.iter().map(Transaction::id)), || {
                    format!("replica {by} executes batch {} with other bodies than it names", batch.seq)
                })?;
                batch.transactions.iter().try_for_each(|transaction| self.check(transaction, rules))
            }
            _ => Ok(()),
        }
    }
}
