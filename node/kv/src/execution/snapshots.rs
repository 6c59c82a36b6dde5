//! The state at stable checkpoints: frozen, served in parts, proven from (rules S-0, S-1, S-3).

use std::sync::{Arc, MutexGuard, PoisonError};

use tetrarch_crypto::state_tree::{Prefix, TreeProof};
use tetrarch_storage::{Reader, Store, StoreError};
use tetrarch_types::{SeqNum, StatePart};

use super::rows::Progress;
use super::{Execution, StateMachine};
use crate::tables::unless_damaged;
use crate::tree::{self, Damage};

/// Stable checkpoints whose snapshots are kept: a transfer that began with the one before the latest can end.
const KEPT_STABLE: usize = 2;

/// A row's value, if there is such a row, and the proof of that.
type Proven = (Option<Vec<u8>>, TreeProof);

/// A frozen store.
type Frozen = Arc<dyn Reader + Send + Sync>;

impl<M: StateMachine, S: Store> Execution<M, S> {
    /// Lets snapshots go that nobody needs once this checkpoint is stable. Kept are those of the two latest stable checkpoints, all
    /// later ones, and the one that was asked for since this was last called.
    ///
    /// # Errors
    /// If one cannot be removed; it can be tried again.
    pub fn retire_snapshots(&self, stable: SeqNum) -> Result<(), StoreError> {
        let numbers = self.store.snapshots()?;
        let settled: Vec<u64> = numbers.into_iter().filter(|number| *number <= stable.get()).collect();
        let asked_for = self.served().take();
        let surplus = settled.len().saturating_sub(KEPT_STABLE);
        settled
            .into_iter()
            .take(surplus)
            .filter(|number| Some(*number) != asked_for)
            .try_for_each(|number| self.store.remove_snapshot(number))
    }

    /// Of the places asked for in the state at a checkpoint, as many as fit one supply; none if that state is not held here.
    ///
    /// # Errors
    /// If the snapshot cannot be read.
    pub fn parts(
        &self,
        checkpoint: SeqNum,
        asked: &[Prefix],
        rows_up_to: u32,
    ) -> Result<Option<Vec<(Prefix, StatePart)>>, StoreError> {
        let Some(frozen) = self.frozen(checkpoint)? else { return Ok(None) };
        *self.served() = Some(checkpoint.get());
        let parts = tree::parts(&frozen, &self.setup.rooted, asked, rows_up_to as usize)?;
        Ok(Some(parts).filter(|parts| !parts.is_empty()))
    }

    /// A row's value at a checkpoint, and the proof of it or of its absence; none if that state is not held here.
    ///
    /// # Errors
    /// If the snapshot cannot be read.
    pub fn prove(&self, checkpoint: SeqNum, table: &str, key: &[u8]) -> Result<Option<Proven>, StoreError> {
        let Some(frozen) = self.frozen(checkpoint)? else { return Ok(None) };
        let Some(table) = self.setup.rooted.iter().find(|rooted| rooted.name() == table) else {
            return Err(StoreError::UnknownTable { table: "no replicated table" });
        };
        Ok(Some((frozen.get(*table, key)?, tree::prove(&frozen, *table, key)?)))
    }

    /// Reads every row and page of the state here and tells what is not as it should be; how many rows the state has.
    ///
    /// # Errors
    /// What the store says, except that something is damaged.
    pub fn check_state(&self, found: &mut dyn FnMut(Damage)) -> Result<u64, StoreError> {
        tree::check(&self.store, &self.setup.rooted, found)
    }

    /// The store as it was at a checkpoint. A snapshot that was under way when the power failed may hold an earlier batch: it counts
    /// as none.
    fn frozen(&self, checkpoint: SeqNum) -> Result<Option<Frozen>, StoreError> {
        let Some(frozen) = self.store.snapshot(checkpoint.get())? else { return Ok(None) };
        let progress = unless_damaged(Progress::read(&frozen))?;
        Ok(progress.is_some_and(|progress| progress.executed == checkpoint).then_some(frozen))
    }

    /// The snapshot that was asked for last.
    fn served(&self) -> MutexGuard<'_, Option<u64>> {
        // A number is whole at any time.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
