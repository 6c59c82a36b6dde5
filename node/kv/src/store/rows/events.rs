//! What happened, and what was there before (rules H-1 to H-3): events in their order, packed into rows of about 16 KiB.
//!
//! A row for each event would be a leaf of the state tree for each, at a place of its own; and every put has one. So a batch's events share
//! rows. They do so by its agreed time, which moves with every batch: what is written is not written again.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;
use tetrarch_storage::{Direction, Reader, StoreError, Table};
use tetrarch_types::{Timestamp, encode};

use super::meta::Meta;
use crate::store::record::KeyRecord;
use crate::tables::{Overlay, behind, corrupt, fixed, value};

/// [`Place`] of its first event → [`Event`]s, each with the number of its bytes in front of it.
pub(in crate::store) const EVENTS: Table = Table::new("kv.events");

/// A row that has so many bytes takes no further event. Part of the protocol.
const ROW_BYTES: usize = 16 * 1024;

/// The bytes in front of each event.
const LENGTH: usize = size_of::<u32>();

/// Where an event stands: its revision, and its number there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Place {
    pub(in crate::store) revision: u64,
    pub(in crate::store) number: u32,
}

impl Place {
    /// The bytes of a key.
    const KEY: usize = size_of::<u64>() + size_of::<u32>();

    /// The key of the row that begins with this event.
    pub(in crate::store) fn key(self) -> Vec<u8> {
        [self.revision.to_be_bytes().as_slice(), &self.number.to_be_bytes()].concat()
    }

    /// The event that a row begins with, by its key.
    pub(in crate::store) fn of(key: &[u8]) -> Result<Self, StoreError> {
        let key: [u8; Self::KEY] = fixed(EVENTS, key)?;
        let (revision, number) = key.split_at(size_of::<u64>());
        let revision = u64::from_be_bytes(fixed(EVENTS, revision)?);
        Ok(Self { revision, number: u32::from_be_bytes(fixed(EVENTS, number)?) })
    }
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Event {
    pub(in crate::store) revision: u64,
    /// With the first of a revision, the chain up to the revision before.
    pub(in crate::store) before: Option<Digest>,
    #[serde(with = "serde_bytes")]
    pub(in crate::store) key: Vec<u8>,
    /// Whether it was put; if not, it was deleted.
    pub(in crate::store) is_put: bool,
    /// The record that ended with it.
    pub(in crate::store) previous: Option<KeyRecord>,
}

/// The row that events are added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct OpenRow {
    /// The agreed time of its batch.
    time: Timestamp,
    first: Place,
    bytes: u64,
}

/// Where an event is written: the row that begins with `first`, behind so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Spot {
    pub(in crate::store) first: Place,
    pub(in crate::store) offset: u32,
}

/// Writes down an event of the batch with this agreed time; where.
pub(in crate::store) fn append(
    state: &mut Overlay<'_>,
    meta: &mut Meta,
    time: Timestamp,
    number: u32,
    event: &Event,
) -> Result<Spot, StoreError> {
    let open = meta.open.filter(|open| open.time == time && open.bytes < ROW_BYTES as u64);
    let (first, offset) = open.map_or((Place { revision: event.revision, number }, 0), |open| (open.first, open.bytes));
    let event = encode(event);
    let length = u32::try_from(event.len()).unwrap_or(u32::MAX);
    let entry = [length.to_be_bytes().as_slice(), &event].concat();
    let bytes = entry.len() as u64;
    if offset == 0 {
        meta.kept_bytes += Place::KEY as u64;
        state.put(EVENTS, first.key(), entry);
    } else if !state.extend(EVENTS, &first.key(), &entry)? {
        return Err(lost("the latest row"));
    }
    meta.kept_bytes += bytes;
    meta.open = Some(OpenRow { time, first, bytes: offset + bytes });
    let offset = u32::try_from(offset).unwrap_or(u32::MAX);
    Ok(Spot { first, offset })
}

/// The events of a row, each behind the bytes in front of it.
pub(in crate::store) fn of_row(row: &[u8]) -> Result<Vec<(u32, Event)>, StoreError> {
    let (mut events, mut rest) = (Vec::new(), row);
    while !rest.is_empty() {
        let offset = u32::try_from(row.len() - rest.len()).unwrap_or(u32::MAX);
        let (event, behind) = next_of(rest)?;
        events.push((offset, value(EVENTS, event)?));
        rest = behind;
    }
    Ok(events)
}

/// The bytes of a row's first event, and what follows.
fn next_of(row: &[u8]) -> Result<(&[u8], &[u8]), StoreError> {
    let (length, rest) = row.split_at_checked(LENGTH).ok_or_else(|| corrupt(EVENTS, "it ends within a length"))?;
    let length = u32::from_be_bytes(fixed(EVENTS, length)?) as usize;
    rest.split_at_checked(length).ok_or_else(|| corrupt(EVENTS, "it ends within an event"))
}

/// The record of a key that ended at a revision, with the event that is written there, and the bytes of its row.
pub(in crate::store) fn previous(
    state: &dyn Reader,
    spot: Spot,
    revision: u64,
    key: &[u8],
) -> Result<(KeyRecord, usize), StoreError> {
    let row = state.get(EVENTS, &spot.first.key())?.ok_or_else(|| lost("a row that the history names"))?;
    let rest = row.get(spot.offset as usize..).ok_or_else(|| lost("a part of a row that the history names"))?;
    let event: Event = value(EVENTS, next_of(rest)?.0)?;
    let named = Some(event).filter(|event| event.revision == revision && event.key == key);
    let record = named.and_then(|event| event.previous).ok_or_else(|| lost("a record that the history names"))?;
    Ok((record, row.len()))
}

/// The oldest row, of which it is known that it begins with `first` or behind it.
pub(in crate::store) fn oldest(state: &dyn Reader, first: Place) -> Result<Option<(Place, Vec<u8>)>, StoreError> {
    let found = state.scan(EVENTS, &first.key(), &[], Direction::Ascending, 1)?.pop();
    found.map(|(key, row)| Ok((Place::of(&key)?, row))).transpose()
}

/// Forgets a row; its bytes.
pub(in crate::store) fn delete(state: &mut Overlay<'_>, first: Place, row: &[u8]) -> u64 {
    state.delete(EVENTS, first.key());
    (Place::KEY + row.len()) as u64
}

/// What happened at one revision.
pub(in crate::store) struct Happened {
    pub(in crate::store) revision: u64,
    /// The chain up to it. None if it is the latest: then `kv.meta` has it.
    pub(in crate::store) chain: Option<Digest>,
    /// One for each key that changed, in the order in which they did.
    pub(in crate::store) events: Vec<Event>,
}

/// What happened, revision by revision; one row at a time is in memory beside the revision.
pub(in crate::store) struct Revisions<'r> {
    state: &'r dyn Reader,
    events: VecDeque<Event>,
    /// Where the next row begins, or behind that.
    from: Vec<u8>,
}

/// What happened from a revision on.
pub(in crate::store) fn from(state: &dyn Reader, revision: u64) -> Result<Revisions<'_>, StoreError> {
    let first = Place { revision, number: 0 }.key();
    // It may be in the middle of a row.
    let row = state.scan(EVENTS, &[], &behind(&first), Direction::Descending, 1)?.pop();
    let from = row.map_or(first, |(key, _)| key);
    let mut revisions = Revisions { state, events: VecDeque::new(), from };
    while revisions.peek()?.is_some_and(|event| event.revision < revision) {
        revisions.events.pop_front();
    }
    Ok(revisions)
}

impl Revisions<'_> {
    /// The chain up to the revision in front of the next one, if there is one.
    pub(in crate::store) fn before(&mut self) -> Result<Option<Digest>, StoreError> {
        let next = self.peek()?.map(|event| event.before);
        next.map(|before| before.ok_or_else(|| lost("the first event of a revision"))).transpose()
    }

    /// The next revision, if there is one.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Happened>, StoreError> {
        let Some(revision) = self.peek()?.map(|event| event.revision) else { return Ok(None) };
        let mut events = Vec::new();
        while self.peek()?.is_some_and(|event| event.revision == revision) {
            events.extend(self.events.pop_front());
        }
        Ok(Some(Happened { revision, chain: self.before()?, events }))
    }

    fn peek(&mut self) -> Result<Option<&Event>, StoreError> {
        if self.events.is_empty()
            && let Some((key, row)) = self.state.scan(EVENTS, &self.from, &[], Direction::Ascending, 1)?.pop()
        {
            self.events = of_row(&row)?.into_iter().map(|(_, event)| event).collect();
            self.from = behind(&key);
        }
        Ok(self.events.front())
    }
}

/// The error for a story with a gap.
pub(in crate::store) fn lost(what: &str) -> StoreError {
    corrupt(EVENTS, &format!("{what} is missing"))
}
