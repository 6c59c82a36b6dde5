//! What agreement knows about spent nonces: a mirror of the replicated state's windows, kept by looking at each batch that is
//! handed to execution (rule N-3 needs it before execution has answered).
//!
//! It is what the state will be once that batch is executed, to the sender. One that remembered more would keep out of every batch what clients are
//! told is open, and replicas whose memories differed would refuse each other's proposals.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::PublicKey;
use tetrarch_types::{Sender, Timestamp, Transaction};

/// Every remembered sender's nonces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spent {
    senders: BTreeMap<PublicKey, Sender>,
    /// Since when each is idle.
    idle: BTreeSet<(Timestamp, PublicKey)>,
}

impl Spent {
    pub(crate) fn new(senders: Vec<(PublicKey, Sender)>) -> Self {
        let idle = senders.iter().map(|(key, sender)| (sender.idle_since(), *key)).collect();
        Self { senders: senders.into_iter().collect(), idle }
    }

    pub(crate) fn len(&self) -> usize {
        self.senders.len()
    }

    pub(crate) fn contains(&self, sender: &PublicKey, nonce: u64) -> bool {
        self.senders.get(sender).is_some_and(|sender| sender.nonces.is_spent(nonce))
    }

    /// Whether the nonce is spent in every batch of that stamp. One below it, not handed out here yet, may forget a sender that is due: whoever proposes
    /// has seen that, and execution skips what is spent after all (rule R-2).
    pub(crate) fn will_contain(&self, sender: &PublicKey, nonce: u64, stamp: Timestamp) -> bool {
        let is_kept = |sender: &Sender| sender.idle_since() >= Sender::due_before(stamp);
        self.senders.get(sender).is_some_and(|sender| sender.nonces.is_spent(nonce) && is_kept(sender))
    }

    pub(crate) fn spend(&mut self, transaction: &Transaction, agreed_time: Timestamp) {
        let key = transaction.body.sender;
        let sender = self.senders.entry(key).or_default();
        if sender.nonces.spend(transaction.body.nonce) {
            self.idle.remove(&(sender.idle_since(), key));
            sender.last_used = agreed_time;
            self.idle.insert((sender.idle_since(), key));
        }
    }

    /// Rule R-3: forgets those that execution forgets with a batch of so many transactions.
    pub(crate) fn forget_idle(&mut self, agreed_time: Timestamp, transactions: usize) {
        let due = Sender::due_before(agreed_time);
        for _ in 0..Sender::forgotten_beside(transactions) {
            let Some(entry) = self.idle.first().filter(|(since, _)| *since < due).copied() else { return };
            self.idle.remove(&entry);
            self.senders.remove(&entry.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_crypto::{Digest, Signature, Signer, SigningKey};
    use tetrarch_types::TransactionBody;

    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn at(minutes: u64) -> Timestamp {
        Timestamp::from_micros(minutes * MINUTE)
    }

    fn of(sender: u8, nonce: u64) -> Transaction {
        let sender = SigningKey::from_seed([sender; 32]).public_key();
        let body =
            TransactionBody { chain: Digest::ZERO, sender, nonce, valid_until: Timestamp::ZERO, command: Vec::new() };
        Transaction { body, signature: Signature::from_bytes([0; 64]) }
    }

    #[test]
    fn who_is_due_is_forgotten_with_the_batch_and_not_before() {
        let mut spent = Spent::default();
        let (idle, other) = (of(1, 7), of(2, 7));
        spent.spend(&idle, at(10));
        spent.spend(&other, at(11));
        spent.forget_idle(at(130), 1);
        assert!(spent.contains(&idle.body.sender, 7));
        spent.forget_idle(at(131), 1);
        assert!(!spent.contains(&idle.body.sender, 7));
        assert!(spent.contains(&other.body.sender, 7));
        spent.spend(&idle, at(131));
        assert_eq!(spent.len(), 2);
    }

    #[test]
    fn what_is_spent_twice_was_used_once() {
        let mut spent = Spent::default();
        spent.spend(&of(1, 7), at(10));
        spent.spend(&of(1, 7), at(100));
        spent.forget_idle(at(131), 1);
        assert_eq!(spent.len(), 0, "as execution has it, which skips the second");
    }

    #[test]
    fn a_batch_forgets_so_many_the_longest_idle_first() {
        let mut spent = Spent::default();
        let many = (0..100).map(|sender| of(sender, 0));
        many.enumerate().for_each(|(place, one)| spent.spend(&one, at(100 - place as u64)));
        spent.forget_idle(at(300), 3);
        assert_eq!(spent.len(), 100 - 67, "more than three that come with it");
        assert!(spent.contains(&of(0, 0).body.sender, 0), "the last that was used");
        spent.forget_idle(at(300), 0);
        assert_eq!(spent.len(), 0);
    }

    #[test]
    fn a_proposal_may_rest_on_what_is_forgotten_below_it() {
        let mut spent = Spent::default();
        let one = of(1, 7);
        spent.spend(&one, at(10));
        assert!(spent.will_contain(&one.body.sender, 7, at(130)));
        assert!(!spent.will_contain(&one.body.sender, 7, at(131)), "the batch that forgets it may be on its way");
        assert!(spent.contains(&one.body.sender, 7), "but who proposes must have seen it");
    }
}
