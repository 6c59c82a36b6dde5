//! The state at stable checkpoints: frozen, served in parts, proven from (rules S-0, S-1, S-3).

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use tetrarch_crypto::state_tree::{Prefix, TreeProof};
use tetrarch_storage::{Reader, Store, StoreError};
use tetrarch_types::{SeqNum, StatePart};

use super::rows::{ANSWERS, Progress};
use super::{Execution, StateMachine, index};
use crate::tables::unless_damaged;
use crate::tree::{self, Damage, DamageKind};

/// Stable checkpoints whose snapshots are kept: a transfer that began with the one before the latest can end.
const KEPT_STABLE: usize = 2;

/// Checkpoints that a snapshot which peers fetch outlives the last question for it.
const LEASE: u8 = 16;

/// Snapshots with a lease, at most: each keeps files on the disk that the store itself no longer needs.
const LEASES: usize = 2;

/// Snapshots that peers fetch, and for how many more checkpoints each is kept.
#[derive(Debug, Default)]
pub(super) struct Leases(BTreeMap<u64, u8>);

impl Leases {
    /// A peer asks for it.
    fn renew(&mut self, number: u64) {
        if self.0.len() < LEASES || self.0.contains_key(&number) {
            self.0.insert(number, LEASE);
        }
    }

    /// Another checkpoint is stable.
    fn pass(&mut self) {
        self.0.retain(|_, left| {
            *left = left.saturating_sub(1);
            *left > 0
        });
    }
}

/// A row's value, if there is such a row, and the proof of that.
type Proven = (Option<Vec<u8>>, TreeProof);

/// A frozen store.
type Frozen = Arc<dyn Reader + Send + Sync>;

impl<M: StateMachine, S: Store> Execution<M, S> {
    /// Lets snapshots go that nobody needs once this checkpoint is stable. Kept are those of the two latest stable checkpoints, all
    /// later ones, and two at most that peers are fetching.
    ///
    /// # Errors
    /// If one cannot be removed; it can be tried again.
    pub fn retire_snapshots(&self, stable: SeqNum) -> Result<(), StoreError> {
        let numbers = self.store.snapshots()?;
        let settled: Vec<u64> = numbers.into_iter().filter(|number| *number <= stable.get()).collect();
        let mut leases = self.leases();
        leases.pass();
        let surplus = settled.len().saturating_sub(KEPT_STABLE);
        settled
            .into_iter()
            .take(surplus)
            .filter(|number| !leases.0.contains_key(number))
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
        self.leases().renew(checkpoint.get());
        match tree::parts(&frozen, &self.setup.rooted, asked, rows_up_to as usize) {
            Ok(parts) => Ok(Some(parts).filter(|parts| !parts.is_empty())),
            // Its files went while it was read: it is not held any more.
            Err(_) if !self.store.snapshots()?.contains(&checkpoint.get()) => Ok(None),
            Err(error) => Err(error),
        }
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

    /// Reads every row and page of the state here, and every row of its indexes, and tells what is not as it should be; how many rows the state has.
    ///
    /// # Errors
    /// What the store says, except that something is damaged.
    pub fn check_state(&self, found: &mut dyn FnMut(Damage)) -> Result<u64, StoreError> {
        let rows = tree::check(&self.store, &self.setup.rooted, found)?;
        if unless_damaged(index::check(&self.store))? == Some(false) {
            let kind = DamageKind::Differs;
            found(Damage { place: Prefix::ROOT, table: ANSWERS, keys: None, kind });
        }
        Ok(rows)
    }

    /// The store as it was at a checkpoint. A snapshot that was under way when the power failed may hold an earlier batch: it counts
    /// as none.
    fn frozen(&self, checkpoint: SeqNum) -> Result<Option<Frozen>, StoreError> {
        let Some(frozen) = self.store.snapshot(checkpoint.get())? else { return Ok(None) };
        let progress = unless_damaged(Progress::read(&frozen))?;
        Ok(progress.is_some_and(|progress| progress.executed == checkpoint).then_some(frozen))
    }

    /// The snapshots that peers are fetching.
    fn leases(&self) -> MutexGuard<'_, Leases> {
        // Whole between any two of its operations.
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
