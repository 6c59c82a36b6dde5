//! The state at stable checkpoints: frozen, served in parts, proven from (rules S-0, S-1, S-3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tetrarch_crypto::state_tree::{Prefix, TreeProof};
use tetrarch_storage::{Reader, Store, StoreError};
use tetrarch_types::{ReplicaId, SeqNum, StatePart, Time};

use super::rows::{ANSWERS, Progress};
use super::{Execution, StateMachine, index, ledger};
use crate::tables::unless_damaged;
use crate::tree::{self, Damage, DamageKind};

/// Stable checkpoints whose snapshots are kept: a transfer that began with the one before the latest can end.
const KEPT_STABLE: usize = 2;

/// How long a lease outlives the last question of the peer that has it: the end of an installation reads everything once.
const LEASE: Duration = Duration::from_secs(60);

/// Snapshots that peers are fetching. Each keeps files on the disk that the store itself no longer needs, and holds the ledger behind
/// it: so a peer has one, and there is room for those of f liars and an honest replica (rule S-5).
#[derive(Debug)]
pub(super) struct Leases {
    of_peers: BTreeMap<ReplicaId, Lease>,
    most: usize,
}

#[derive(Debug)]
struct Lease {
    snapshot: u64,
    until: Time,
}

impl Leases {
    pub(super) const fn new(most: usize) -> Self {
        Self { of_peers: BTreeMap::new(), most }
    }

    /// A peer asks for a snapshot: it lets go of another one.
    fn renew(&mut self, peer: ReplicaId, snapshot: u64, now: Time) {
        self.of_peers.remove(&peer);
        self.expire(now);
        let held: BTreeSet<u64> = self.of_peers.values().map(|lease| lease.snapshot).collect();
        if held.len() < self.most || held.contains(&snapshot) {
            self.of_peers.insert(peer, Lease { snapshot, until: now.after(LEASE) });
        }
    }

    fn expire(&mut self, now: Time) {
        self.of_peers.retain(|_, lease| lease.until > now);
    }

    fn hold(&self, snapshot: u64) -> bool {
        self.of_peers.values().any(|lease| lease.snapshot == snapshot)
    }

    /// The oldest one that is held.
    pub(super) fn oldest(&self) -> Option<SeqNum> {
        self.of_peers.values().map(|lease| SeqNum::new(lease.snapshot)).min()
    }
}

/// A row's value, if there is such a row, and the proof of that.
type Proven = (Option<Vec<u8>>, TreeProof);

/// A frozen store.
type Frozen = Arc<dyn Reader + Send + Sync>;

impl<M: StateMachine, S: Store> Execution<M, S> {
    /// Lets snapshots go that nobody needs once this checkpoint is stable. Kept are those of the two latest stable checkpoints, all
    /// later ones, and those that peers are fetching, which are few.
    ///
    /// # Errors
    /// If one cannot be removed; it can be tried again.
    pub fn retire_snapshots(&self, stable: SeqNum, now: Time) -> Result<(), StoreError> {
        let numbers = self.store.snapshots()?;
        self.leases().expire(now);
        let settled: Vec<u64> = numbers.into_iter().filter(|number| *number <= stable.get()).collect();
        self.remove_surplus(&settled, KEPT_STABLE)
    }

    /// A replica that catches up by the log takes one after the other before the first of them is known to be stable: the oldest go
    /// then. Above a stable checkpoint there are never more than a window has.
    pub(super) fn bound_snapshots(&self) -> Result<(), StoreError> {
        let (_, _, parameters) = &self.setup.configuration;
        let of_window = parameters.window.div_ceil(parameters.checkpoint_interval.max(1));
        let most = usize::try_from(of_window).unwrap_or(usize::MAX).saturating_add(KEPT_STABLE);
        self.remove_surplus(&self.store.snapshots()?, most)
    }

    /// Removes the oldest of these, but for so many and those that peers are fetching.
    fn remove_surplus(&self, numbers: &[u64], keep: usize) -> Result<(), StoreError> {
        let leases = self.leases();
        let surplus = numbers.iter().take(numbers.len().saturating_sub(keep));
        surplus.filter(|number| !leases.hold(**number)).try_for_each(|number| self.store.remove_snapshot(*number))
    }

    /// A peer begins to fetch the state at a checkpoint, or goes on: its snapshot, if there is one, stays for a while, and with it what
    /// was decided since. A peer holds one at a time, and all of them together a few.
    ///
    /// # Errors
    /// If the snapshots cannot be listed.
    pub fn hold_snapshot(&self, peer: ReplicaId, checkpoint: SeqNum, now: Time) -> Result<(), StoreError> {
        let mut leases = self.leases();
        if self.store.snapshots()?.contains(&checkpoint.get()) {
            leases.renew(peer, checkpoint.get(), now);
        }
        Ok(())
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
        if unless_damaged(index::check(&self.machine, &self.store))? == Some(false) {
            let kind = DamageKind::Differs;
            found(Damage { place: Prefix::ROOT, table: ANSWERS, keys: None, kind });
        }
        Ok(rows)
    }

    /// Reads all of the ledger, as peers and clients would have it read; that it is whole says nothing of the state, nor the other way round.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for what is not as it was written, and whatever else the store says.
    pub fn check_ledger(&self) -> Result<(), StoreError> {
        ledger::check(&self.store)
    }

    /// The store as it was at a checkpoint. A snapshot that was under way when the power failed may hold an earlier batch: it counts
    /// as none.
    fn frozen(&self, checkpoint: SeqNum) -> Result<Option<Frozen>, StoreError> {
        let Some(frozen) = self.store.snapshot(checkpoint.get())? else { return Ok(None) };
        let progress = unless_damaged(Progress::read(&frozen))?;
        Ok(progress.is_some_and(|progress| progress.executed == checkpoint).then_some(frozen))
    }

    /// The snapshots that peers are fetching.
    pub(super) fn leases(&self) -> MutexGuard<'_, Leases> {
        // Whole between any two of its operations.
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
