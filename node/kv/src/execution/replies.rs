//! The reply cache: what came of recent transactions, part of the replicated state.

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

/// What is known of a transaction, by its sender's nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The nonce is not spent: the transaction may still execute.
    Open,
    /// It was settled so.
    Settled(Box<StoredReply>),
    /// The nonce is spent, and not by this transaction: it never executed and never will.
    Never,
    /// The nonce is spent, and the reply cache no longer tells by what.
    Forgotten,
}

/// Drops the replies to a sender's `count` lowest nonces from `from` on, and says which was the last.
pub(super) fn evict_lowest(
    state: &mut Overlay<'_>,
    sender: &PublicKey,
    from: u64,
    count: u64,
) -> Result<Option<u64>, StoreError> {
    if count == 0 {
        return Ok(None);
    }
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let doomed = state.scan(NONCES, &nonce_key(sender, from), &end_of(sender), Direction::Ascending, limit)?;
    let last = doomed.last().and_then(|(key, _)| key.last_chunk::<8>()).map(|nonce| u64::from_be_bytes(*nonce));
    delete(state, doomed);
    Ok(last)
}

/// Which transaction spent a nonce, if that is remembered.
pub(super) fn spender(state: &dyn Reader, sender: &PublicKey, nonce: u64) -> Result<Option<Vec<u8>>, StoreError> {
    state.get(NONCES, &nonce_key(sender, nonce))
}

/// Drops at most `limit` replies of a sender, and says how many there were.
pub(super) fn evict_some(state: &mut Overlay<'_>, sender: &PublicKey, limit: usize) -> Result<usize, StoreError> {
    let doomed = state.scan(NONCES, sender.as_bytes(), &end_of(sender), Direction::Ascending, limit)?;
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

/// Nine bytes of ones lie behind every nonce.
fn end_of(sender: &PublicKey) -> Vec<u8> {
    [sender.as_bytes().as_slice(), &[u8::MAX; 9]].concat()
}

fn nonce_key(sender: &PublicKey, nonce: u64) -> Vec<u8> {
    [sender.as_bytes().as_slice(), &nonce.to_be_bytes()].concat()
}
