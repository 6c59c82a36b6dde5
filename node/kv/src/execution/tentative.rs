//! What a batch would come to, worked out before it is decided (rule X-2) and kept in memory until it is, or until another one is.

use tetrarch_crypto::mutated;
use tetrarch_storage::Store;
use tetrarch_types::{Batch, SeqNum, Transaction};

use super::batch::{Effect, Placed, effect};
use super::{ExecuteError, Execution, StateMachine, StoredReply};

/// A batch's effect behind the batch before it. Which transactions the batch has, and so what it comes to, follows from their ids.
pub(super) struct Tentative {
    seq: SeqNum,
    batch: Batch,
    effect: Effect,
}

impl Tentative {
    /// The effect, if this is the batch that it is of.
    pub(super) fn effect_of(self, placed: Placed<'_>) -> Option<Effect> {
        let is_same = self.seq == placed.seq && (self.batch == *placed.batch || mutated!(TentativeNotCompared));
        is_same.then_some(self.effect)
    }
}

impl<M: StateMachine, S: Store> Execution<M, S> {
    /// Works out what the next batch would come to, and changes nothing: the replies that its transactions would have. Should that batch be
    /// the next one [`execute`](Self::execute) is given, it is not worked out again.
    ///
    /// # Errors
    /// As for [`execute`](Self::execute).
    pub fn execute_tentatively(
        &self,
        seq: SeqNum,
        batch: &Batch,
        transactions: &[Transaction],
    ) -> Result<Vec<StoredReply>, ExecuteError> {
        let _turn = self.turn();
        let placed = Placed { seq, batch, transactions };
        let head = self.head().clone();
        placed.check(&head)?;
        let effect = effect(&self.machine, &self.setup, &self.store, &head, placed)?;
        let replies = effect.executed.replies.clone();
        *self.tentative() = Some(Tentative { seq, batch: batch.clone(), effect });
        Ok(replies)
    }
}
