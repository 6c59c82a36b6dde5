//! Proofs of equivocation, kept across restarts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tetrarch_crypto::{Digest, Domain};
use tetrarch_storage::{Direction, Durability, Reader, Store, StoreError, Table, WriteBatch};
use tetrarch_types::{Evidence, ReplicaId, decode, encode};

use crate::bounds;

/// Accused replica (big-endian), digest of the proof → the proof.
pub(crate) const EVIDENCE: Table = Table::new("evidence");

/// The largest proof there is has two votes in it.
const MAX_BYTES: usize = 1024;

/// The proofs of one node: a few for each replica, since one convicts.
pub(crate) struct Dossier<S> {
    store: S,
    kept: BTreeMap<ReplicaId, usize>,
    total: Arc<AtomicU64>,
}

impl<S: Store> Dossier<S> {
    /// Counts what is there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn open(store: S) -> Result<Self, StoreError> {
        let mut kept: BTreeMap<ReplicaId, usize> = BTreeMap::new();
        let all = read(&store)?;
        let total = Arc::new(AtomicU64::new(all.len() as u64));
        for evidence in all {
            *kept.entry(evidence.accused()).or_default() += 1;
        }
        Ok(Self { store, kept, total })
    }

    /// How many proofs there are, for whoever reports it.
    pub(crate) fn total(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.total)
    }

    /// Keeps a proof durably, unless it is there or there are enough against this replica; whether it was kept.
    ///
    /// # Errors
    /// If the store fails: like every failed write it ends this node's voting.
    pub(crate) fn keep(&mut self, evidence: &Evidence) -> Result<bool, StoreError> {
        let kept = self.kept.entry(evidence.accused()).or_default();
        if *kept >= bounds::EVIDENCE_PER_REPLICA {
            return Ok(false);
        }
        let (key, bytes) = (key(evidence), encode(evidence));
        if self.store.get(EVIDENCE, &key)?.is_some() {
            return Ok(false);
        }
        let mut batch = WriteBatch::new();
        batch.put(EVIDENCE, key, bytes);
        self.store.write(batch, Durability::Synced)?;
        *kept += 1;
        self.total.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }
}

/// All proofs in a store. What does not decode was written by another version and is left out.
///
/// # Errors
/// If the store cannot be read.
pub(crate) fn read(store: &dyn Reader) -> Result<Vec<Evidence>, StoreError> {
    let most = bounds::EVIDENCE_PER_REPLICA * tetrarch_types::limits::MAX_REPLICAS;
    let rows = store.scan(EVIDENCE, &[], &[], Direction::Ascending, most)?;
    Ok(rows.iter().filter_map(|(_, bytes)| decode(bytes, MAX_BYTES).ok()).collect())
}

fn key(evidence: &Evidence) -> Vec<u8> {
    let digest = Digest::of(Domain::Evidence, &[&encode(evidence)]);
    [evidence.accused().get().to_be_bytes().as_slice(), digest.as_bytes()].concat()
}
