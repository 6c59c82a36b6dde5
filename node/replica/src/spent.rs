//! What agreement knows about spent nonces: a mirror of the replicated state's windows, kept by looking at each batch that is
//! handed to execution (rule N-3 needs it before execution has answered).

use std::collections::BTreeMap;

use tetrarch_crypto::PublicKey;
use tetrarch_types::{Sender, Timestamp, Transaction, limits};

/// Every remembered sender's nonces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spent {
    senders: BTreeMap<PublicKey, Sender>,
    /// Agreed time at which idle senders were last dropped.
    swept: Timestamp,
}

impl Spent {
    pub(crate) fn new(senders: Vec<(PublicKey, Sender)>) -> Self {
        Self { senders: senders.into_iter().collect(), swept: Timestamp::ZERO }
    }

    pub(crate) fn len(&self) -> usize {
        self.senders.len()
    }

    pub(crate) fn contains(&self, sender: &PublicKey, nonce: u64) -> bool {
        self.senders.get(sender).is_some_and(|sender| sender.nonces.is_spent(nonce))
    }

    pub(crate) fn spend(&mut self, transaction: &Transaction, agreed_time: Timestamp) {
        let sender = self.senders.entry(transaction.body.sender).or_default();
        sender.nonces.spend(transaction.body.nonce);
        sender.last_used = agreed_time;
    }

    /// Forgets senders that were idle for so long that nothing of theirs can still be valid. Later than the replicated state
    /// does it, at most once in a validity period: what is remembered too long only refuses what could not execute anyway.
    pub(crate) fn sweep(&mut self, agreed_time: Timestamp) {
        if agreed_time < self.swept.plus(limits::MAX_VALIDITY) {
            return;
        }
        self.swept = agreed_time;
        self.senders.retain(|_, sender| sender.last_used.plus(limits::MAX_VALIDITY * 2) >= agreed_time);
    }
}
