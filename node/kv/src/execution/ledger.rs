//! What was decided, kept for peers that lag and for receipts. This node's own: not part of the replicated state.

use tetrarch_storage::{Direction, Reader, StoreError, WriteBatch};
use tetrarch_types::{Batch, CommitCertificate, CommittedBatch, SeqNum, Transaction, TransactionId, encode, limits};

use super::rows::{BODIES, LEDGER, LOCAL, PLACES, empty, seq_key};
use crate::tables::Overlay;
use crate::tables::{behind, corrupt, fixed, for_each_row, part_key, part_of, row, value};

/// Batches removed in one go even if fewer would do, so that a smaller retention takes effect in time.
const MIN_REMOVED: u64 = 4;

/// The row of `LOCAL` that holds the ledger's bytes.
const BYTES_KEY: &[u8] = b"ledger";

/// What follows a state that a peer is fetching may take so many times what else is kept.
const WHILE_WANTED: u64 = 4;

/// How much of what was decided a node keeps. A peer that lags further needs a whole state instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The latest batches, at most this many.
    pub batches: u64,
    /// At most this many bytes of them, as they are stored; but never so that fewer than twice the window of the chain are left
    /// for the bytes' sake.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { batches: 1_024, bytes: 64 * 1024 * 1024 }
    }
}

/// How much the ledger holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The oldest batch; what follows the last one executed if there is none.
    pub(super) oldest: SeqNum,
    /// The bytes of all batches, with certificates and bodies.
    pub(super) bytes: u64,
}

/// What the ledger is kept within.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    pub(super) retain: Retention,
    /// Batches that stay however many bytes they have.
    pub(super) floor: u64,
    /// A state that is being fetched: what follows it is kept longer, or whoever has it could not go on from there (rule S-5).
    pub(super) wanted_after: Option<SeqNum>,
}

/// Rows that are in memory at once while all are read.
const PAGE: usize = 256;

/// A row of bodies ends with the one that brings it to so many bytes.
const PART_BYTES: usize = 16 * 1024;

/// A ledger row: the bytes of the bodies, which have rows of their own, with which of them each of those rows begins, and of a
/// [`CommittedBatch`] all but its number, which is the key.
type Entry = (u64, Vec<u32>, Batch, CommitCertificate);

impl Kept {
    /// An empty ledger, whose first batch will be this one.
    pub(super) const fn from(oldest: SeqNum) -> Self {
        Self { oldest, bytes: 0 }
    }

    /// Writes a batch down, and removes the oldest ones of those that are no longer kept.
    pub(super) fn append(
        &mut self,
        state: &mut Overlay<'_>,
        committed: &CommittedBatch,
        keep: &Keep,
    ) -> Result<(), StoreError> {
        let added = put(state, committed);
        self.bytes = self.bytes.saturating_add(added);
        self.trim(state, committed.seq, keep, added)?;
        state.put(LOCAL, BYTES_KEY, encode(&self.bytes));
        Ok(())
    }

    /// Removes until all is within bounds, or at least as much is gone as was `added`: so what is above the bounds never grows, and
    /// one batch's work is bounded by what it brought.
    fn trim(&mut self, state: &mut Overlay<'_>, latest: SeqNum, keep: &Keep, added: u64) -> Result<(), StoreError> {
        let before = *self;
        while self.is_over(latest, keep) {
            let removed = self.oldest.above(before.oldest);
            if removed >= MIN_REMOVED && before.bytes.saturating_sub(self.bytes) >= added {
                break;
            }
            self.bytes = self.bytes.saturating_sub(remove(state, self.oldest)?);
            self.oldest = self.oldest.next();
        }
        Ok(())
    }

    fn is_over(&self, latest: SeqNum, keep: &Keep) -> bool {
        let batches = latest.next().above(self.oldest);
        let times = if keep.wanted_after.is_some_and(|after| self.oldest > after) { WHILE_WANTED } else { 1 };
        let Retention { batches: most, bytes } = keep.retain;
        batches > most.saturating_mul(times) || (self.bytes > bytes.saturating_mul(times) && batches > keep.floor)
    }
}

/// Writes a batch's rows, and says how many bytes they have.
fn put(state: &mut Overlay<'_>, committed: &CommittedBatch) -> u64 {
    let CommittedBatch { seq, batch, transactions, certificate } = committed;
    for (index, id) in (0_u32..).zip(&batch.transactions) {
        state.put(PLACES, id.digest().as_bytes(), part_key(*seq, index));
    }
    let (mut bytes, mut firsts) = (0, Vec::new());
    for (first, part) in parts(transactions) {
        let part = encode(part);
        bytes += part.len() as u64;
        firsts.push(first);
        state.put(BODIES, part_key(*seq, first), part);
    }
    let entry = encode(&(bytes, firsts, batch, certificate));
    bytes += entry.len() as u64;
    state.put(LEDGER, seq_key(*seq), entry);
    bytes
}

/// The rows that bodies are stored in, each with the place of its first.
fn parts(bodies: &[Transaction]) -> Vec<(u32, &[Transaction])> {
    let (mut parts, mut first, mut bytes) = (Vec::new(), 0, 0);
    for (next, body) in (1..).zip(bodies) {
        bytes += body.cost();
        if bytes >= PART_BYTES || next == bodies.len() {
            parts.push((first as u32, &bodies[first..next]));
            (first, bytes) = (next, 0);
        }
    }
    parts
}

/// Removes a batch's rows, and says how many bytes they had.
///
/// A transaction that stands in two batches is found by its id only until the earlier of them is removed: good enough for one
/// that a primary repeated, and it saves a read for each.
fn remove(state: &mut Overlay<'_>, seq: SeqNum) -> Result<u64, StoreError> {
    let key = seq_key(seq);
    let Some(bytes) = state.get(LEDGER, &key)? else { return Ok(0) };
    let (bodies, firsts, batch, _): Entry = value(LEDGER, &bytes)?;
    firsts.iter().for_each(|first| state.delete(BODIES, part_key(seq, *first)));
    batch.transactions.iter().for_each(|id| state.delete(PLACES, id.digest().as_bytes()));
    state.delete(LEDGER, key);
    Ok(bodies.saturating_add(bytes.len() as u64))
}

/// Empties the ledger, whatever is in it.
pub(super) fn put_empty(batch: &mut WriteBatch) {
    empty(batch, &[LEDGER, BODIES, PLACES]);
    batch.delete(LOCAL, BYTES_KEY);
}

/// Reads all of it as those do who ask for it: the first row that is not as it was written is the error.
pub(super) fn check(reader: &dyn Reader) -> Result<(), StoreError> {
    let (mut due, mut there) = (0, 0);
    for_each_row(reader, LEDGER, PAGE, &mut |key, bytes| {
        let seq = SeqNum::new(u64::from_be_bytes(fixed(LEDGER, key)?));
        let entry: Entry = value(LEDGER, bytes)?;
        due += entry.1.len();
        with_bodies(reader, seq, entry).map(|_| ())
    })?;
    for_each_row(reader, BODIES, PAGE, &mut |key, _| {
        there += 1;
        part_of(BODIES, key).map(|_| ())
    })?;
    for_each_row(reader, PLACES, PAGE, &mut |_, at| part_of(PLACES, at).map(|_| ()))?;
    if due == there { Ok(()) } else { Err(corrupt(BODIES, &format!("{due} rows are due, and there are {there}"))) }
}

/// How much the ledger holds, behind the last batch executed.
pub(super) fn kept(reader: &dyn Reader, executed: SeqNum) -> Result<Kept, StoreError> {
    let oldest = match reader.scan(LEDGER, &[], &[], Direction::Ascending, 1)?.first() {
        Some((key, _)) => SeqNum::new(u64::from_be_bytes(fixed(LEDGER, key)?)),
        None => executed.next(),
    };
    Ok(Kept { oldest, bytes: row(reader, LOCAL, BYTES_KEY)?.unwrap_or_default() })
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
    let Some(at) = reader.get(PLACES, id.digest().as_bytes())? else { return Ok(None) };
    // The part that begins there or before.
    let Some((first, part)) = reader.scan(BODIES, &[], &behind(&at), Direction::Descending, 1)?.pop() else {
        return Ok(None);
    };
    let ((_, at), (_, first)) = (part_of(PLACES, &at)?, part_of(BODIES, &first)?);
    let part: Vec<Transaction> = value(BODIES, &part)?;
    let body = at.checked_sub(first).and_then(|behind| part.into_iter().nth(behind as usize));
    Ok(body.filter(|body| body.id() == *id))
}

fn with_bodies(reader: &dyn Reader, seq: SeqNum, entry: Entry) -> Result<CommittedBatch, StoreError> {
    let (_, firsts, batch, certificate) = entry;
    let (from, to) = (part_key(seq, 0), part_key(seq.next(), 0));
    let rows = reader.scan(BODIES, &from, &to, Direction::Ascending, firsts.len())?;
    let parts: Vec<Vec<Transaction>> = rows.iter().map(|(_, bytes)| value(BODIES, bytes)).collect::<Result<_, _>>()?;
    let transactions: Vec<Transaction> = parts.into_iter().flatten().collect();
    if transactions.len() != batch.transactions.len() {
        let (named, there) = (batch.transactions.len(), transactions.len());
        return Err(corrupt(BODIES, &format!("batch {seq} names {named} transactions, and {there} are there")));
    }
    Ok(CommittedBatch { seq, batch, transactions, certificate })
}
