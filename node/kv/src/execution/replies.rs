//! The reply cache: what came of recent transactions, part of the replicated state.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, MerklePath, MerkleTree, PublicKey};
use tetrarch_storage::{Direction, Pair, Reader, StoreError};
use tetrarch_types::{Outcome, SeqNum, TransactionId, encode, result_leaf};

use super::Overlay;
use super::rows::{NONCES, REPLIES, row};

/// What came of a transaction, with all but the signature of a [`Reply`](tetrarch_types::Reply): the same on every replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply {
    /// Which transaction.
    pub transaction: TransactionId,
    /// The batch that it was in.
    pub seq: SeqNum,
    /// What came of it.
    pub outcome: Outcome,
    /// From its result's leaf to the root.
    pub path: MerklePath,
    /// The root over the batch's results.
    pub results_root: Digest,
}

/// A transaction that was carried out or turned down, but not skipped.
pub(super) struct Settled {
    pub(super) transaction: TransactionId,
    pub(super) sender: PublicKey,
    pub(super) nonce: u64,
    pub(super) outcome: Outcome,
}

/// The root over a batch's results, and a reply for each.
pub(super) fn build(seq: SeqNum, settled: Vec<Settled>, state: &mut Overlay<'_>) -> (Digest, Vec<StoredReply>) {
    let leaves = settled.iter().map(|one| result_leaf(&one.transaction, &one.outcome)).collect();
    let tree = MerkleTree::new(leaves);
    let results_root = tree.root();
    let mut replies = Vec::with_capacity(settled.len());
    for (index, Settled { transaction, sender, nonce, outcome }) in settled.into_iter().enumerate() {
        // There is a path for every leaf of a tree as small as a batch.
        let Some(path) = tree.path(index) else { continue };
        let reply = StoredReply { transaction, seq, outcome, path, results_root };
        state.put(REPLIES, transaction.digest().as_bytes(), encode(&reply));
        state.put(NONCES, nonce_key(&sender, nonce), transaction.digest().as_bytes());
        replies.push(reply);
    }
    (results_root, replies)
}

/// What came of a transaction, if it is remembered.
pub(super) fn read(state: &dyn Reader, id: &TransactionId) -> Result<Option<StoredReply>, StoreError> {
    row(state, REPLIES, id.digest().as_bytes())
}

/// Drops the replies to these nonces of a sender.
pub(super) fn evict(state: &mut Overlay<'_>, sender: &PublicKey, nonces: Range<u64>) -> Result<(), StoreError> {
    if nonces.is_empty() {
        return Ok(());
    }
    let (from, to) = (nonce_key(sender, nonces.start), nonce_key(sender, nonces.end));
    // As many as a sender can have: a window of them, and those of the batch that is being executed.
    let doomed = state.scan(NONCES, &from, &to, Direction::Ascending, usize::MAX)?;
    delete(state, doomed);
    Ok(())
}

/// Drops at most `limit` replies of a sender, and says how many there were.
pub(super) fn evict_some(state: &mut Overlay<'_>, sender: &PublicKey, limit: usize) -> Result<usize, StoreError> {
    // Nine bytes of ones lie behind every nonce.
    let to = [sender.as_bytes().as_slice(), &[u8::MAX; 9]].concat();
    let doomed = state.scan(NONCES, sender.as_bytes(), &to, Direction::Ascending, limit)?;
    let count = doomed.len();
    delete(state, doomed);
    Ok(count)
}

fn delete(state: &mut Overlay<'_>, doomed: Vec<Pair>) {
    for (nonce, id) in doomed {
        state.delete(REPLIES, id);
        state.delete(NONCES, nonce);
    }
}

fn nonce_key(sender: &PublicKey, nonce: u64) -> Vec<u8> {
    [sender.as_bytes().as_slice(), &nonce.to_be_bytes()].concat()
}
