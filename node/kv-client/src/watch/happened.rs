//! What a watch delivers.

use tetrarch_kv::KeyRecord;
use tetrarch_kv::store::{EventTold, Previous};

/// What happened at one revision: believed, and whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The revision.
    pub revision: u64,
    /// The keys that changed, in the order of the change: 1 to 4096, none of them twice.
    pub changes: Vec<Change>,
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Vec<u8>,
    /// What it was put to; none if it was deleted.
    pub put: Option<KeyRecord>,
    /// What was there before: none if there was nothing, if it was not asked for, or if it is compacted away.
    pub previous: Option<KeyRecord>,
}

impl Happened {
    /// About how many bytes it takes, in memory and in messages.
    pub fn bytes(&self) -> usize {
        self.changes.iter().map(Change::bytes).sum()
    }
}

impl Change {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let record = |record: &Option<KeyRecord>| record.as_ref().map_or(0, |record| record.value.len() + OVERHEAD);
        OVERHEAD + self.key.len() + record(&self.put) + record(&self.previous)
    }

    /// From what was told; what was before is left out where only its digest is known, or where nobody is to know it any more.
    pub(super) fn of(event: EventTold, keeps_previous: bool) -> Self {
        let previous = match event.previous {
            Previous::Record(record) if keeps_previous => Some(record),
            Previous::Record(_) | Previous::Digest(_) | Previous::Nothing => None,
        };
        Self { key: event.key, put: event.put, previous }
    }
}

/// What an event or a record takes beside keys and values, about.
const OVERHEAD: usize = 64;

/// The same for an event as it was told.
pub(super) fn weight(event: &EventTold) -> usize {
    let put = event.put.as_ref().map_or(0, |record| record.value.len() + OVERHEAD);
    let previous = if let Previous::Record(record) = &event.previous { record.value.len() + OVERHEAD } else { 0 };
    OVERHEAD + event.key.len() + put + previous
}
