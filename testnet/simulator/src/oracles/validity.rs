//! Validity: what is executed was signed by the client that it names, and sent by it; it is of this chain, within its bounds, and within
//! its time. What comes too late, or is valid for too long, is answered so and not carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tetrarch_crypto::Digest;
use tetrarch_kv::{Executed, StoredReply};
use tetrarch_types::{CommittedBatch, Outcome, SeqNum, Timestamp, Transaction, TransactionId, limits};

use super::order::{Fate, agreed_time, fate};
use super::{Oracle, Rules, Verdict, ensure};
use crate::client::Flaw;
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Validity {
    issued: BTreeSet<TransactionId>,
    flawed: BTreeMap<TransactionId, Flaw>,
    /// Executed and found signed.
    checked: BTreeSet<TransactionId>,
    /// Batches handed to execution, with agreed time after each.
    decided: BTreeMap<SeqNum, (Rc<CommittedBatch>, Timestamp)>,
    /// Results that were judged.
    judged: BTreeMap<SeqNum, Digest>,
    /// The lowest number with two batches. What is due from there on differs from replica to replica, and is not judged: that there are
    /// two is for other oracles.
    forked: Option<SeqNum>,
}

impl Validity {
    fn check(&mut self, transaction: &Transaction, rules: &Rules) -> Verdict {
        let id = transaction.id();
        if self.checked.contains(&id) {
            return Ok(());
        }
        let wrong = |what: &str| format!("transaction {id} is executed and {what}");
        if let Some(flaw) = self.flawed.get(&id) {
            return Err(wrong(&format!("must never be: {flaw:?}")));
        }
        let is_signed = rules.holds(transaction.body.sender, &transaction.body, transaction.signature);
        ensure(is_signed, || wrong("its signature does not hold"))?;
        ensure(transaction.body.chain == rules.scope.genesis, || wrong("is of another chain"))?;
        let is_within = transaction.body.command.len() <= limits::MAX_COMMAND_BYTES;
        ensure(is_within, || wrong("its command is too large"))?;
        ensure(self.issued.contains(&id), || wrong("nobody sent it"))?;
        self.checked.insert(id);
        Ok(())
    }

    fn decide(&mut self, batch: &Rc<CommittedBatch>) {
        let before = self.decided.range(..batch.seq).next_back().map_or(Timestamp::ZERO, |(_, (_, time))| *time);
        let time = agreed_time(before, batch);
        let (first, _) = self.decided.entry(batch.seq).or_insert_with(|| (batch.clone(), time));
        if first.certificate.digest != batch.certificate.digest {
            self.forked = Some(self.forked.map_or(batch.seq, |forked| forked.min(batch.seq)));
        }
    }

    /// That every answer is of the sort that agreed time demands.
    fn judge(&mut self, executed: &Executed) -> Verdict {
        let Some((batch, time)) = self.decided.get(&executed.seq) else { return Ok(()) };
        if self.forked.is_some_and(|forked| forked <= executed.seq) {
            return Ok(());
        }
        if self.judged.insert(executed.seq, executed.results_root) == Some(executed.results_root) {
            return Ok(());
        }
        let bodies: BTreeMap<TransactionId, &Transaction> =
            batch.transactions.iter().map(|transaction| (transaction.id(), transaction)).collect();
        executed.replies.iter().try_for_each(|reply| match bodies.get(&reply.transaction) {
            Some(transaction) => judge(reply, transaction, *time),
            None => Err(format!("{} is answered in batch {}, which lacks it", reply.transaction, executed.seq)),
        })
    }
}

fn judge(reply: &StoredReply, transaction: &Transaction, time: Timestamp) -> Verdict {
    let due = fate(transaction, time);
    let is_so = match reply.outcome {
        Outcome::Executed(_) => due == Fate::Executed,
        Outcome::Expired => due == Fate::Expired,
        Outcome::ValidTooLong => due == Fate::ValidTooLong,
    };
    ensure(is_so, || {
        let (id, seq, until) = (reply.transaction, reply.seq, transaction.body.valid_until);
        format!("transaction {id}, valid until {until:?}, is not {due:?} in batch {seq} at {time:?}")
    })
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
            Sight::Flawed { transaction, flaw } => {
                self.flawed.insert(*transaction, *flaw);
                Ok(())
            }
            Sight::Executing { by, batch } => {
                let named = batch.batch.transactions.iter().copied();
                ensure(named.eq(batch.transactions.iter().map(Transaction::id)), || {
                    format!("replica {by} executes batch {} with other bodies than it names", batch.seq)
                })?;
                self.decide(batch);
                batch.transactions.iter().try_for_each(|transaction| self.check(transaction, rules))
            }
            Sight::Executed { executed, .. } => self.judge(executed),
            _ => Ok(()),
        }
    }
}
