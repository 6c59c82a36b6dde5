//! What happened, by revision, and how far back that is known.

use serde::{Deserialize, Serialize};
use tetrarch_storage::{Direction, Reader, StoreError, Table};
use tetrarch_types::encode;

use super::KeyRecord;
use super::bounds::{MAX_EVENT_BYTES, MAX_EVENTS};
use crate::tables::{Overlay, behind, row};

/// Revision, number within it → [`Event`].
pub(super) const EVENTS: Table = Table::new("kv.events");

/// One row: [`Meta`].
pub(super) const META: Table = Table::new("kv.meta");

const META_KEY: &[u8] = b"meta";

const PAGE: usize = 16;

/// A change of one key.
#[derive(Serialize)]
pub(super) struct Event<'e> {
    pub(super) key: &'e [u8],
    /// What it was put to; none if it was deleted.
    pub(super) record: Option<&'e KeyRecord>,
}

/// The store's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// Moved up by every command that changes something.
    pub(super) revision: u64,
    /// The last revision whose events are gone.
    compacted: u64,
    /// Events kept.
    events: u64,
    /// Their bytes, keys included.
    event_bytes: u64,
}

impl Default for Meta {
    fn default() -> Self {
        Self { revision: 1, compacted: 1, events: 0, event_bytes: 0 }
    }
}

impl Meta {
    pub(super) fn read(state: &dyn Reader) -> Result<Self, StoreError> {
        Ok(row(state, META, META_KEY)?.unwrap_or_default())
    }

    pub(super) fn put(&self, state: &mut Overlay<'_>) {
        state.put(META, META_KEY, encode(self));
    }

    /// Writes down the `number`th event of the latest revision.
    pub(super) fn append(&mut self, state: &mut Overlay<'_>, number: u32, event: &Event<'_>) {
        let key = [self.revision.to_be_bytes().as_slice(), &number.to_be_bytes()].concat();
        let bytes = encode(event);
        self.events += 1;
        self.event_bytes += size(&key, &bytes);
        state.put(EVENTS, key, bytes);
    }

    /// Removes the oldest revisions' events until those left are within bounds; never those of the latest revision.
    pub(super) fn trim(&mut self, state: &mut Overlay<'_>) -> Result<(), StoreError> {
        while self.is_over() && self.compacted + 1 < self.revision {
            self.compacted += 1;
            self.drop_events(state, self.compacted)?;
        }
        Ok(())
    }

    fn drop_events(&mut self, state: &mut Overlay<'_>, revision: u64) -> Result<(), StoreError> {
        let mut from = revision.to_be_bytes().to_vec();
        let to = (revision + 1).to_be_bytes();
        loop {
            let page = state.scan(EVENTS, &from, &to, Direction::Ascending, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            from = behind(last);
            for (key, bytes) in page {
                self.events = self.events.saturating_sub(1);
                self.event_bytes = self.event_bytes.saturating_sub(size(&key, &bytes));
                state.delete(EVENTS, key);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.events > MAX_EVENTS || self.event_bytes > MAX_EVENT_BYTES
    }
}

fn size(key: &[u8], bytes: &[u8]) -> u64 {
    (key.len() + bytes.len()) as u64
}
