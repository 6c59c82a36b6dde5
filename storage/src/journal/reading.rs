//! Reading a journal from its first entry to its last, or to the first that is wrong.

use super::chain::Chain;
use super::error::JournalError;
use super::rows::{BASE_KEY, Entry, JOURNAL, after, decode_base, key};
use crate::{Direction, Mark, Pair, Reader, StoreError};

/// How many entries one scan reads at most.
const PAGE: usize = 64;

/// The last entry forgotten.
pub(super) fn read_base(reader: &dyn Reader) -> Result<Mark, JournalError> {
    let Some(value) = reader.get(JOURNAL, &key(BASE_KEY))? else { return Ok(Mark::ORIGIN) };
    decode_base(&value).ok_or(JournalError::BaseBroken { length: value.len() })
}

/// Takes every stored entry behind the chain's tip into the chain and hands it to `visit`, until one is wrong.
pub(super) fn walk(reader: &dyn Reader, chain: &mut Chain, visit: &mut dyn FnMut(Entry)) -> Result<(), JournalError> {
    loop {
        let page = page(reader, after(chain.tip().index))?;
        if page.is_empty() {
            return Ok(());
        }
        for (key, value) in page {
            visit(chain.accept(&key, value)?);
        }
    }
}

/// Some of the rows from `index` on; none only if there are none. If they cannot be read together, then the first alone, so
/// that a damaged row hides no good one before it.
fn page(reader: &dyn Reader, index: u64) -> Result<Vec<Pair>, StoreError> {
    let scan = |limit| reader.scan(JOURNAL, &key(index), &[], Direction::Ascending, limit);
    scan(PAGE).or_else(|_| scan(1))
}
