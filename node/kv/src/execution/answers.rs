//! What is answered from the state: questions to the machine, nonces, replies, and what was decided.

use std::sync::RwLockReadGuard;

use tetrarch_crypto::PublicKey;
use tetrarch_storage::{Store, StoreError};
use tetrarch_types::{Answer, CommittedBatch, Sender, SeqNum, Transaction, TransactionBody, TransactionId, limits};

use super::head::Head;
use super::{Execution, Fate, QueryError, StateMachine, StoredReply, ledger, replies, senders};
use crate::tables::Overlay;

impl<M: StateMachine, S: Store> Execution<M, S> {
    /// Asks the machine about the state as it is now. However long that takes, nobody waits for it: neither the next batch, nor who is behind that.
    ///
    /// # Errors
    /// [`QueryError`], if the machine cannot read the question, the answer is too large, or the state is damaged or cannot be read.
    pub fn query(&self, query: &[u8]) -> Result<Answer, QueryError> {
        let (view, executed) = {
            let head = self.whole()?;
            (self.store.view(), head.progress.executed)
        };
        let bytes = self.machine.query(query, &Overlay::new(&*view, &self.setup.own))?;
        if bytes.len() > limits::MAX_RESULT_BYTES {
            return Err(QueryError::TooLarge { actual: bytes.len(), limit: limits::MAX_RESULT_BYTES });
        }
        Ok(Answer { executed, bytes })
    }

    /// Whether a node should take this command from a client: see [`StateMachine::check`].
    ///
    /// # Errors
    /// A sentence for the client.
    pub fn check(&self, command: &[u8]) -> Result<(), String> {
        self.machine.check(command)
    }

    /// The machine's own count of changes.
    ///
    /// # Errors
    /// If the state is damaged or cannot be read.
    pub fn revision(&self) -> Result<u64, QueryError> {
        let _head = self.whole()?;
        Ok(self.machine.revision(&Overlay::new(&self.store, &self.setup.own))?)
    }

    /// The bytes that the store's tables take: see [`Store::stored_bytes`].
    ///
    /// # Errors
    /// If the store cannot tell.
    pub fn stored_bytes(&self) -> Result<u64, StoreError> {
        self.store.stored_bytes()
    }

    /// The highest nonce that a sender has spent; none if it is not remembered.
    ///
    /// # Errors
    /// If the state is damaged or cannot be read.
    pub fn highest_nonce(&self, sender: &PublicKey) -> Result<Option<u64>, QueryError> {
        let _head = self.whole()?;
        Ok(senders::read(&self.store, sender)?.and_then(|sender| sender.nonces.highest()))
    }

    /// Whether a sender's nonce is spent, or too old ever to be executed.
    ///
    /// # Errors
    /// If the state is damaged or cannot be read.
    pub fn is_spent(&self, sender: &PublicKey, nonce: u64) -> Result<bool, QueryError> {
        let _head = self.whole()?;
        Ok(senders::read(&self.store, sender)?.is_some_and(|sender| sender.nonces.is_spent(nonce)))
    }

    /// What is known of a transaction, of which this is the id (rule R-6).
    ///
    /// # Errors
    /// If the state is damaged or cannot be read.
    pub fn fate(&self, id: &TransactionId, body: &TransactionBody) -> Result<Fate, QueryError> {
        let TransactionBody { sender, nonce, valid_until, .. } = body;
        let head = self.whole()?;
        if let Some(reply) = replies::read(&self.store, id)? {
            return Ok(Fate::Settled(Box::new(reply)));
        }
        let known = senders::read(&self.store, sender)?;
        let Some(known) = known.filter(|known| known.nonces.is_spent(*nonce)) else { return Ok(Fate::Open) };
        // What is over may have executed before its sender was forgotten and came back; what is valid for long may execute once it is.
        let is_over = *valid_until < head.progress.agreed_time;
        let will_outlive = known.idle_since() < Sender::due_before(*valid_until);
        // Without a row nothing is certain either: the cache may have lost this very transaction's reply.
        let is_certain = !is_over && !will_outlive && replies::is_spender_known(&self.store, sender, *nonce)?;
        Ok(if is_certain { Fate::Never } else { Fate::Forgotten })
    }

    /// What came of a transaction, if the reply cache still has it.
    ///
    /// # Errors
    /// If the state is damaged or cannot be read.
    pub fn reply(&self, id: &TransactionId) -> Result<Option<StoredReply>, QueryError> {
        let _head = self.whole()?;
        Ok(replies::read(&self.store, id)?)
    }

    /// A decided transaction, if the ledger still has it; whether it was executed or skipped is for [`reply`](Self::reply) to say.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn transaction(&self, id: &TransactionId) -> Result<Option<Transaction>, StoreError> {
        let _head = self.head();
        ledger::transaction(&self.store, id)
    }

    /// The batches executed behind `after`, consecutive, as many as one supply may carry, and at least one if there is one.
    /// Empty if there are none, or if they are no longer kept. The ledger proves itself, so it is read whatever the state's condition.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn committed_after(&self, after: SeqNum) -> Result<Vec<CommittedBatch>, StoreError> {
        let head = self.head();
        if after.next() < head.ledger.oldest { Ok(Vec::new()) } else { ledger::read_after(&self.store, after) }
    }

    /// The head, held so that nothing changes meanwhile, if the state is that behind a whole batch.
    fn whole(&self) -> Result<RwLockReadGuard<'_, Head>, QueryError> {
        let head = self.head();
        if head.is_damaged() { Err(QueryError::Damaged) } else { Ok(head) }
    }
}
