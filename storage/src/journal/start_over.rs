//! A journal that begins anew, for a replica that lost its records.
//!
//! ```text
//!   before   base ─ entries, damaged, missing or foreign ─ ...         mark somewhere
//!   after    (all rows deleted)                  fresh base ─ first    mark at the last of them
//!                                                └ index above everything that the mark or a readable row ever named
//! ```

use super::chain::Chain;
use super::error::JournalError;
use super::reading::read_base;
use super::rows::{BASE_KEY, JOURNAL, after, encode_base, fresh_base, key, put_entries};
use crate::{Direction, Durability, Mark, Reader, Store, StoreError, WriteBatch, for_each_row};

/// Further than any run of entries that could not be read.
const LEAP: u64 = 1 << 32;
/// No journal gets that far: a row that says so is not one of ours.
const CEILING: u64 = 1 << 62;
/// Behind every key that anyone would write.
const END: [u8; 1024] = [0xff; 1024];

/// Replaces all rows by a base behind everything that was ever named, and the first entries behind that. Durable, but not marked yet.
pub(super) fn start_over(store: &impl Store, held: Option<Mark>, first: &[Vec<u8>]) -> Result<Chain, JournalError> {
    let held = held.unwrap_or(Mark::ORIGIN);
    let base = fresh_base(held, after(highest(store, held.index)));
    let mut chain = Chain::new(base);
    let mut batch = WriteBatch::new();
    batch.delete_range(JOURNAL, Vec::new(), END);
    batch.put(JOURNAL, key(BASE_KEY), encode_base(base));
    chain.extend(&put_entries(&mut batch, base, first));
    store.write(batch, Durability::Synced)?;
    Ok(chain)
}

/// The highest index that the mark, the base or a readable entry names. What cannot be read may have named more: then it is
/// a leap beyond that.
fn highest(reader: &impl Reader, marked: u64) -> u64 {
    let base = read_base(reader).map_or(0, |base| base.index);
    let (entries, complete) = highest_entry(reader);
    let rows = [base, entries].into_iter().filter(|index| *index < CEILING).max().unwrap_or(0);
    rows.max(marked).saturating_add(if complete { 0 } else { LEAP })
}

/// The highest index among the rows, and whether all of them could be read.
fn highest_entry(reader: &impl Reader) -> (u64, bool) {
    let mut highest = 0;
    let mut see = |key: &[u8]| highest = index_of(key).map_or(highest, |index| highest.max(index));
    // From the front as far as it goes, and the last one.
    let walked = for_each_row(reader, JOURNAL, &mut |key, _| see(key));
    let last: Result<_, StoreError> = reader.scan(JOURNAL, &[], &[], Direction::Descending, 1);
    last.iter().flatten().for_each(|(key, _)| see(key));
    (highest, walked.is_ok())
}

fn index_of(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes).filter(|index| *index < CEILING)
}
