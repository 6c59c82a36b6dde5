//! What was decided, kept for peers that lag and for receipts. This node's own: not part of the replicated state.

use tetrarch_storage::{Direction, Reader, StoreError};
use tetrarch_types::{Batch, CommitCertificate, CommittedBatch, SeqNum, Transaction, TransactionId, encode, limits};

use super::Overlay;
use super::rows::{BODIES, LEDGER, PLACES, fixed, row, value};

/// Batches removed in one go, at most: more than one, so that a smaller retention takes effect in time.
const MAX_REMOVED: usize = 4;

/// How much of what was decided a node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The latest batches, this many. A peer that lags further needs a whole state instead.
    pub batches: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { batches: 16_384 }
    }
}

/// A ledger row: a [`CommittedBatch`] without its number, which is the key, and its bodies, which have rows of their own.
type Entry = (Batch, CommitCertificate);

/// Writes a batch down.
pub(super) fn append(state: &mut Overlay<'_>, committed: &CommittedBatch) {
    let CommittedBatch { seq, batch, transactions, certificate } = committed;
    state.put(LEDGER, seq_key(*seq), encode(&(batch, certificate)));
    for (index, (id, transaction)) in (0_u32..).zip(batch.transactions.iter().zip(transactions)) {
        let place = place(*seq, index);
        state.put(BODIES, place.clone(), encode(transaction));
        state.put(PLACES, id.digest().as_bytes(), place);
    }
}

/// Removes the oldest batches of those that are no longer kept. Returns the oldest one left.
///
/// A transaction that stands in two batches is found by its id only until the earlier of them is removed: good enough for one
/// that a primary repeated, and it saves a read for each.
pub(super) fn trim(
    state: &mut Overlay<'_>,
    oldest: SeqNum,
    latest: SeqNum,
    retain: Retention,
) -> Result<SeqNum, StoreError> {
    let first_kept = SeqNum::new((latest.get() + 1).saturating_sub(retain.batches));
    let (from, to) = (seq_key(oldest), seq_key(first_kept));
    let mut oldest = oldest;
    for (key, bytes) in state.scan(LEDGER, &from, &to, Direction::Ascending, MAX_REMOVED)? {
        let seq = SeqNum::new(u64::from_be_bytes(fixed(LEDGER, &key)?));
        let (batch, _): Entry = value(LEDGER, &bytes)?;
        for (index, id) in (0_u32..).zip(&batch.transactions) {
            state.delete(BODIES, place(seq, index));
            state.delete(PLACES, id.digest().as_bytes());
        }
        state.delete(LEDGER, key);
        oldest = seq.next();
    }
    Ok(oldest)
}

/// The oldest batch that is kept; what follows `executed` if there is none.
pub(super) fn oldest(reader: &dyn Reader, executed: SeqNum) -> Result<SeqNum, StoreError> {
    match reader.scan(LEDGER, &[], &[], Direction::Ascending, 1)?.first() {
        Some((key, _)) => Ok(SeqNum::new(u64::from_be_bytes(fixed(LEDGER, key)?))),
        None => Ok(executed.next()),
    }
}

/// The consecutive batches behind `after`, as many as one supply holds; none if the first of them is not kept.
pub(super) fn read_after(reader: &dyn Reader, after: SeqNum) -> Result<Vec<CommittedBatch>, StoreError> {
    if after == after.next() {
        return Ok(Vec::new());
    }
    let rows = reader.scan(LEDGER, &seq_key(after.next()), &[], Direction::Ascending, limits::MAX_SUPPLY_BATCHES)?;
    let mut supply = Vec::new();
    let mut cost = 0_usize;
    let mut due = after.next();
    for (key, bytes) in rows {
        if key != seq_key(due) {
            break;
        }
        let committed = with_bodies(reader, due, value(LEDGER, &bytes)?)?;
        cost = cost.saturating_add(committed.cost());
        if cost > limits::MAX_SUPPLY_BYTES && !supply.is_empty() {
            break;
        }
        supply.push(committed);
        due = due.next();
    }
    Ok(supply)
}

/// A transaction, by its id.
pub(super) fn transaction(reader: &dyn Reader, id: &TransactionId) -> Result<Option<Transaction>, StoreError> {
    match reader.get(PLACES, id.digest().as_bytes())? {
        Some(place) => row(reader, BODIES, &place),
        None => Ok(None),
    }
}

fn with_bodies(reader: &dyn Reader, seq: SeqNum, entry: Entry) -> Result<CommittedBatch, StoreError> {
    let (batch, certificate) = entry;
    let (from, to) = (place(seq, 0), place(seq.next(), 0));
    let rows = reader.scan(BODIES, &from, &to, Direction::Ascending, batch.transactions.len())?;
    let transactions = rows.iter().map(|(_, bytes)| value(BODIES, bytes)).collect::<Result<_, _>>()?;
    Ok(CommittedBatch { seq, batch, transactions, certificate })
}

fn seq_key(seq: SeqNum) -> Vec<u8> {
    seq.get().to_be_bytes().to_vec()
}

fn place(seq: SeqNum, index: u32) -> Vec<u8> {
    [seq.get().to_be_bytes().as_slice(), &index.to_be_bytes()].concat()
}
