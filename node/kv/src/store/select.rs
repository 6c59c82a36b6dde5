//! Reading ranges within bounds.

use tetrarch_storage::{Direction, Pair, Reader, StoreError};

use super::bounds::{Budget, MAX_DELETE_KEYS};
use super::record::{RECORDS, cost};
use super::{Selection, prefix_end};
use crate::tables::{behind, value};

/// Entries read at a time: small, because each may have a megabyte.
const PAGE: usize = 16;

/// What a visitor says about going on.
#[derive(PartialEq, Eq)]
enum Visit {
    Next,
    Stop,
}

/// The records of `[from, to)`, at most `limit` (0: no limit) and no more than the budget allows.
pub(super) fn select(
    state: &dyn Reader,
    from: &[u8],
    to: &[u8],
    limit: u64,
    budget: &mut Budget,
) -> Result<Selection, StoreError> {
    let mut found = Selection { count_is_exact: true, ..Selection::default() };
    visit(state, from, to, |(key, bytes)| {
        if !budget.may_read(key.len() + bytes.len()) {
            found.more = true;
            found.count_is_exact = false;
            return Ok(Visit::Stop);
        }
        found.count += 1;
        if !found.more {
            let record = value(RECORDS, &bytes)?;
            let full = limit != 0 && found.records.len() as u64 >= limit;
            if full || !budget.may_answer(cost(&key, &record)) {
                found.more = true;
            } else {
                found.records.push((key, record));
            }
        }
        Ok(Visit::Next)
    })?;
    Ok(found)
}

/// The keys with this prefix; none if they are more than may be deleted, or read.
pub(super) fn deletable(
    state: &dyn Reader,
    prefix: &[u8],
    budget: &mut Budget,
) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
    let mut keys = Vec::new();
    let mut too_many = false;
    visit(state, prefix, &prefix_end(prefix), |(key, bytes)| {
        too_many = keys.len() == MAX_DELETE_KEYS || !budget.may_read(key.len() + bytes.len());
        if too_many {
            return Ok(Visit::Stop);
        }
        keys.push(key);
        Ok(Visit::Next)
    })?;
    Ok((!too_many).then_some(keys))
}

fn visit(
    state: &dyn Reader,
    from: &[u8],
    to: &[u8],
    mut visitor: impl FnMut(Pair) -> Result<Visit, StoreError>,
) -> Result<(), StoreError> {
    let mut from = from.to_vec();
    loop {
        let page = state.scan(RECORDS, &from, to, Direction::Ascending, PAGE)?;
        let Some(next) = page.last().map(|(last, _)| behind(last)) else { return Ok(()) };
        for pair in page {
            if visitor(pair)? == Visit::Stop {
                return Ok(());
            }
        }
        from = next;
    }
}
