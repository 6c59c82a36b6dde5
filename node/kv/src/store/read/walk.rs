//! Going through a range key by key, at the latest revision or an earlier one.

use std::collections::VecDeque;

use tetrarch_storage::{Direction, Pair, Reader, StoreError};

use crate::store::record::{KeyRecord, RECORDS};
use crate::store::request::Span;
use crate::store::rows::history::{self, Past};
use crate::tables::{behind, value};

/// Entries read at a time: small, because each may have a megabyte.
const PAGE: usize = 16;

/// What a visitor says about going on.
#[derive(PartialEq, Eq)]
pub(in crate::store) enum Visit {
    Next,
    Stop,
}

/// Shows the visitor each key of the span that was there at the revision, ascending; none is the latest.
///
/// For an earlier revision each key that is there now, or has a history, takes a few reads, however often it changed. The visitor is
/// also shown those that were not there then, without a record: they cost reads too.
pub(in crate::store) fn walk(
    state: &dyn Reader,
    span: &Span,
    revision: Option<u64>,
    visitor: &mut dyn FnMut(Vec<u8>, Option<KeyRecord>) -> Result<Visit, StoreError>,
) -> Result<(), StoreError> {
    if span.is_empty() {
        return Ok(());
    }
    let mut now = Now { state, from: Some(span.from.clone()), to: &span.to, page: VecDeque::new() };
    match revision {
        Some(revision) => then(state, span, revision, now, visitor),
        None => {
            while let Some((key, bytes)) = now.next()? {
                if visitor(key, Some(value(RECORDS, &bytes)?))? == Visit::Stop {
                    break;
                }
            }
            Ok(())
        }
    }
}

fn then(
    state: &dyn Reader,
    span: &Span,
    revision: u64,
    mut now: Now<'_>,
    visitor: &mut dyn FnMut(Vec<u8>, Option<KeyRecord>) -> Result<Visit, StoreError>,
) -> Result<(), StoreError> {
    let (mut current, mut past) = (now.next()?, history::first_of(state, &span.from, &span.to)?);
    loop {
        let key = match (&current, &past) {
            (None, None) => return Ok(()),
            (Some((key, _)), None) => key.clone(),
            (None, Some(past)) => past.key.clone(),
            (Some((key, _)), Some(past)) => key.min(&past.key).clone(),
        };
        let here = current.take_if(|(other, _)| *other == key);
        if here.is_some() {
            current = now.next()?;
        }
        let ended = past.take_if(|past| past.key == key);
        if ended.is_some() {
            past = history::first_of(state, &behind(&key), &span.to)?;
        }
        let record = as_it_was(state, revision, here, ended)?;
        if visitor(key, record)? == Visit::Stop {
            return Ok(());
        }
    }
}

/// A key's record at a revision, from its record now and the first row of its history.
fn as_it_was(
    state: &dyn Reader,
    revision: u64,
    now: Option<Pair>,
    first: Option<Past>,
) -> Result<Option<KeyRecord>, StoreError> {
    let past = match first {
        Some(first) if first.ended <= revision => history::ended_behind(state, &first.key, revision)?,
        first => first,
    };
    let record = match (past, now) {
        (Some(past), _) => Some(past.record(state)?),
        (None, Some((_, bytes))) => Some(value(RECORDS, &bytes)?),
        (None, None) => None,
    };
    Ok(record.filter(|record| record.mod_revision <= revision))
}

/// The records that are there now, page by page.
struct Now<'n> {
    state: &'n dyn Reader,
    /// Where the next page begins, if there may be one.
    from: Option<Vec<u8>>,
    to: &'n [u8],
    page: VecDeque<Pair>,
}

impl Now<'_> {
    fn next(&mut self) -> Result<Option<Pair>, StoreError> {
        if self.page.is_empty()
            && let Some(from) = self.from.take()
        {
            self.page = self.state.scan(RECORDS, &from, self.to, Direction::Ascending, PAGE)?.into();
            // No key is behind the last one before `to`, if that is its immediate successor.
            let next = self.page.back().map(|(last, _)| behind(last));
            self.from = next.filter(|from| self.to.is_empty() || from.as_slice() < self.to);
        }
        Ok(self.page.pop_front())
    }
}
