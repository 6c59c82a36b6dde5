//! The reply cache: what came of recent transactions, part of the replicated state.
//!
//! ```text
//!   REPLIES   batch 7, part 0 → ■ ■ ■ ■ ■ …   about 16 KiB a row     the oldest batches' rows go
//!             batch 7, part 1 → ■             a large reply alone
//!             batch 9, part 0 → ■ ■                                  the latest batch's stay
//!
//!   ANSWERS   transaction id ────────┐
//!   NONCES    sender, nonce ─────────┴─▶ batch, part, position       indexes: they follow from the rows
//! ```
//!
//! A sender that was forgotten may spend a nonce again, and a primary may then repeat a transaction. So an index key ends with the
//! reply's place: every index row follows from one reply alone, in whatever order rows come and go, and the latest reply counts.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, MerklePath, MerkleTree, PublicKey};
use tetrarch_storage::{Direction, Pair, Reader, StoreError, Table};
use tetrarch_types::{Outcome, SeqNum, TransactionId, encode, limits, result_leaf};

use super::IndexRow;
use super::rows::{ANSWERS, Extent, NONCES, REPLIES, seq_key};
use crate::tables::Overlay;
use crate::tables::{PART_KEY, behind, corrupt, part_key, part_of, row, value};

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

/// What is known of a transaction, by its sender's nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The nonce is not spent: the transaction may still execute.
    Open,
    /// It was settled so.
    Settled(Box<StoredReply>),
    /// The nonce is spent, and not by this transaction: it never executed and never will.
    Never,
    /// The nonce is spent, and the reply cache does not tell by what; or this transaction may have executed before its sender was forgotten, or may
    /// yet when it is.
    Forgotten,
}

/// A reply as the cache has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CachedReply {
    pub(super) reply: StoredReply,
    pub(super) sender: PublicKey,
    pub(super) nonce: u64,
}

/// A transaction that was carried out or turned down, but not skipped.
pub(super) struct Settled {
    pub(super) transaction: TransactionId,
    pub(super) sender: PublicKey,
    pub(super) nonce: u64,
    pub(super) outcome: Outcome,
}

/// What the cache is kept within. Part of the protocol: it decides what the state is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) replies: u64,
    pub(super) reply_bytes: u64,
}

impl Bounds {
    /// What every replica keeps within.
    pub(super) const PROTOCOL: Self =
        Self { replies: limits::MAX_CACHED_REPLIES, reply_bytes: limits::MAX_CACHED_REPLY_BYTES };

    const fn hold(&self, extent: &Extent) -> bool {
        extent.replies <= self.replies && extent.reply_bytes <= self.reply_bytes
    }
}

/// The replies of one part have at most these bytes, unless it is one reply alone. Part of the protocol.
const PART_BYTES: usize = 16 * 1024;

/// Parts in memory at a time: a part can have a result of a megabyte and more.
pub(super) const PARTS_PAGE: usize = 8;

/// The bytes of a reply's place: the key of its part, and its position in that.
const PLACE: usize = PART_KEY + 4;

/// The root over a batch's results, and a reply for each.
pub(super) fn build(seq: SeqNum, settled: Vec<Settled>) -> (Digest, Vec<CachedReply>) {
    let leaves = settled.iter().map(|one| result_leaf(&one.transaction, &one.outcome)).collect();
    let tree = MerkleTree::new(leaves);
    let results_root = tree.root();
    let reply = |(index, Settled { transaction, sender, nonce, outcome })| {
        // There is a path for every leaf of a tree as small as a batch.
        let path = tree.path(index)?;
        Some(CachedReply { reply: StoredReply { transaction, seq, outcome, path, results_root }, sender, nonce })
    };
    (results_root, settled.into_iter().enumerate().filter_map(reply).collect())
}

/// Caches a batch's replies, and lets go of the oldest batches' while there are too many.
pub(super) fn cache(
    state: &mut Overlay<'_>,
    extent: &mut Extent,
    bounds: &Bounds,
    seq: SeqNum,
    replies: &[CachedReply],
) -> Result<(), StoreError> {
    if replies.is_empty() {
        return Ok(());
    }
    if extent.replies == 0 {
        extent.oldest_reply = seq;
    }
    for (part, replies) in (0_u32..).zip(parts(replies)) {
        put_part(state, extent, &part_key(seq, part), replies);
    }
    if bounds.hold(extent) { Ok(()) } else { evict(state, extent, bounds, seq) }
}

/// Replies in order, packed: a part ends before the reply that would make it too large.
fn parts(mut replies: &[CachedReply]) -> Vec<&[CachedReply]> {
    let mut parts = Vec::new();
    while !replies.is_empty() {
        let ends = replies.iter().scan(0, |bytes, reply| {
            *bytes += encode(reply).len();
            Some(*bytes)
        });
        let count = ends.take_while(|bytes| *bytes <= PART_BYTES).count().max(1);
        let (part, rest) = replies.split_at(count);
        parts.push(part);
        replies = rest;
    }
    parts
}

fn put_part(state: &mut Overlay<'_>, extent: &mut Extent, key: &[u8], replies: &[CachedReply]) {
    let bytes = encode(replies);
    extent.replies += replies.len() as u64;
    extent.reply_bytes += bytes.len() as u64;
    state.put(REPLIES, key, bytes);
    for (table, key, value) in index_rows(key, replies) {
        state.put(table, key, value);
    }
}

/// Drops whole batches' replies, the oldest first, until the rest is within bounds, but none of the latest batch. All was within
/// bounds before that came, so the work is bounded by what it brought and one batch more.
fn evict(state: &mut Overlay<'_>, extent: &mut Extent, bounds: &Bounds, latest: SeqNum) -> Result<(), StoreError> {
    let (mut from, to) = (seq_key(extent.oldest_reply), seq_key(latest));
    loop {
        let page = state.scan(REPLIES, &from, &to, Direction::Ascending, PARTS_PAGE)?;
        let Some((last, _)) = page.last() else { break };
        from = behind(last);
        for (key, bytes) in &page {
            let (seq, _) = part_of(REPLIES, key)?;
            let is_next_batch = seq != extent.oldest_reply;
            extent.oldest_reply = seq;
            if is_next_batch && bounds.hold(extent) {
                return Ok(());
            }
            drop_part(state, extent, key, bytes)?;
        }
    }
    extent.oldest_reply = latest;
    Ok(())
}

fn drop_part(state: &mut Overlay<'_>, extent: &mut Extent, key: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
    let replies = read_part(bytes)?;
    extent.replies = extent.replies.saturating_sub(replies.len() as u64);
    extent.reply_bytes = extent.reply_bytes.saturating_sub(bytes.len() as u64);
    state.delete(REPLIES, key);
    for (table, key, _) in index_rows(key, &replies) {
        state.delete(table, key);
    }
    Ok(())
}

/// The replies of one row.
pub(super) fn read_part(bytes: &[u8]) -> Result<Vec<CachedReply>, StoreError> {
    value(REPLIES, bytes)
}

/// The index rows that a part makes due.
pub(super) fn index_rows(key: &[u8], replies: &[CachedReply]) -> Vec<IndexRow> {
    let of = |(position, cached): (u32, &CachedReply)| {
        let place = [key, &position.to_be_bytes()].concat();
        let id = cached.reply.transaction.digest().as_bytes();
        let answer = [id.as_slice(), &place].concat();
        let nonce = [nonce_key(&cached.sender, cached.nonce).as_slice(), &place].concat();
        [(ANSWERS, answer, Vec::new()), (NONCES, nonce, id.to_vec())]
    };
    (0_u32..).zip(replies).flat_map(of).collect()
}

/// What came of a transaction, if it is remembered.
pub(super) fn read(state: &dyn Reader, id: &TransactionId) -> Result<Option<StoredReply>, StoreError> {
    let Some((key, _)) = latest(state, ANSWERS, id.digest().as_bytes())? else { return Ok(None) };
    let place = key.last_chunk::<PLACE>().ok_or_else(|| corrupt(ANSWERS, "its key is too short"))?;
    let (part, position) = place.split_at(PART_KEY);
    let position = position.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    let replies: Vec<CachedReply> = row(state, REPLIES, part)?.unwrap_or_default();
    let reply = replies.into_iter().nth(position).map(|cached| cached.reply).filter(|reply| reply.transaction == *id);
    reply.map(Some).ok_or_else(|| corrupt(ANSWERS, "there is no such reply where it points"))
}

/// Whether it is remembered that a transaction spent this nonce.
pub(super) fn is_spender_known(state: &dyn Reader, sender: &PublicKey, nonce: u64) -> Result<bool, StoreError> {
    Ok(latest(state, NONCES, &nonce_key(sender, nonce))?.is_some())
}

/// Of the index rows whose key begins so, the one with the latest place.
fn latest(state: &dyn Reader, table: Table, prefix: &[u8]) -> Result<Option<Pair>, StoreError> {
    let to = [prefix, &[u8::MAX; PLACE + 1]].concat();
    Ok(state.scan(table, prefix, &to, Direction::Descending, 1)?.pop())
}

fn nonce_key(sender: &PublicKey, nonce: u64) -> Vec<u8> {
    [sender.as_bytes().as_slice(), &nonce.to_be_bytes()].concat()
}
