//! Going through a range key by key, at the latest revision or an earlier one.

use std::collections::VecDeque;

use tetrarch_storage::{Direction, Pair, Reader, StoreError};

use crate::store::record::{KeyRecord, RECORDS};
use crate::store::request::Span;
use crate::store::rows::history::{self, Past};
use crate::tables::{behind, value};

/// Entries read at a time, at most: each may have a megabyte.
const PAGE: usize = 16;

/// So large an entry is read with no other: whoever looks may have enough of it.
const LARGE: usize = 8 * 1024;

/// What a visitor says about going on.
#[derive(PartialEq, Eq)]
pub(in crate::store) enum Visit {
    Next,
    Stop,
}

/// A key that was come by.
pub(in crate::store) struct Seen {
    pub(in crate::store) key: Vec<u8>,
    /// None if it was not there at that revision.
    pub(in crate::store) record: Option<KeyRecord>,
    /// The bytes of history that were gone through to know.
    pub(in crate::store) past: usize,
}

/// Shows the visitor each key of the span that was there at the revision, ascending; none is the latest.
///
/// For an earlier revision each key that is there now, or has a history, takes a few reads, however often it changed. The visitor is
/// also shown those that were not there then, without a record: they cost reads too.
pub(in crate::store) fn walk(
    state: &dyn Reader,
    span: &Span,
    revision: Option<u64>,
    visitor: &mut dyn FnMut(Seen) -> Result<Visit, StoreError>,
) -> Result<(), StoreError> {
    if span.is_empty() {
        return Ok(());
    }
    let mut now = Now { state, from: Some(span.from.clone()), to: &span.to, wanted: 2, page: VecDeque::new() };
    match revision {
        Some(revision) => then(state, span, revision, now, visitor),
        None => {
            while let Some((key, bytes)) = now.next()? {
                let record = Some(value(RECORDS, &bytes)?);
                if visitor(Seen { key, record, past: 0 })? == Visit::Stop {
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
    visitor: &mut dyn FnMut(Seen) -> Result<Visit, StoreError>,
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
        let (record, past_bytes) = as_it_was(state, revision, here, ended)?;
        if visitor(Seen { key, record, past: past_bytes })? == Visit::Stop {
            return Ok(());
        }
    }
}

/// A key's record at a revision, from its record now and the first row of its history; the bytes of history that took.
fn as_it_was(
    state: &dyn Reader,
    revision: u64,
    now: Option<Pair>,
    first: Option<Past>,
) -> Result<(Option<KeyRecord>, usize), StoreError> {
    let past = match first {
        Some(first) if first.ended <= revision => history::ended_behind(state, &first.key, revision)?,
        first => first,
    };
    let (record, bytes) = match (past, now) {
        (Some(past), _) => past.record(state)?,
        (None, Some((_, bytes))) => (value(RECORDS, &bytes)?, 0),
        (None, None) => return Ok((None, 0)),
    };
    Ok((Some(record).filter(|record| record.mod_revision <= revision), bytes))
}

/// The records that are there now, page by page.
struct Now<'n> {
    state: &'n dyn Reader,
    /// Where the next page begins, if there may be one.
    from: Option<Vec<u8>>,
    to: &'n [u8],
    /// How many are read next: few at first, and where they are large.
    wanted: usize,
    page: VecDeque<Pair>,
}

impl Now<'_> {
    fn next(&mut self) -> Result<Option<Pair>, StoreError> {
        if self.page.is_empty()
            && let Some(from) = self.from.take()
        {
            self.page = self.state.scan(RECORDS, &from, self.to, Direction::Ascending, self.wanted)?.into();
            let next = self.page.back().filter(|_| self.page.len() == self.wanted).map(|(last, _)| behind(last));
            // No key is behind the last one before `to`, if that is its immediate successor.
            self.from = next.filter(|from| self.to.is_empty() || from.as_slice() < self.to);
            let has_large = self.page.iter().any(|(_, bytes)| bytes.len() >= LARGE);
            self.wanted = if has_large { 1 } else { (self.wanted * 2).min(PAGE) };
        }
        Ok(self.page.pop_front())
    }
}
