//! The story behind a revision, for watches: what happened, revision by revision, and the chain that proves it.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError};

use crate::store::KvError;
use crate::store::bounds::Budget;
use crate::store::chain;
use crate::store::failure::Failure;
use crate::store::record::{KeyRecord, cost};
use crate::store::rows::events::{self, EVENTS, Event, Events};
use crate::store::rows::history;
use crate::store::rows::meta::Meta;
use crate::tables::corrupt;

/// Revisions read at a time: one of them may have a megabyte of keys.
const PAGE: usize = 16;

/// What a revision takes of an answer beside its events, at most.
const REVISION_BYTES: usize = 64;

/// What an event takes beside its key and its records, at most.
const EVENT_BYTES: usize = 64;

/// Where in the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The revision. The story begins with revision 2.
    pub revision: u64,
    /// The number of an event within it: so many of them are known.
    pub event: u32,
}

/// What is told of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    /// Only its chain.
    Chain,
    /// Its events, with the records that were put.
    Events,
    /// Its events, with what was there before as well, where that is kept. Only of a page's first event it may be left out because both do not
    /// fit into one page.
    Previous,
}

/// A page of the story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// The chain up to the revision before the first that is told.
    pub before: Digest,
    /// Revisions, consecutive.
    pub revisions: Vec<RevisionTold>,
    /// Where the next page begins: in the last revision, if not all of its events fit.
    pub next: Place,
}

/// What happened at one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionTold {
    /// The revision.
    pub revision: u64,
    /// The chain up to it.
    pub chain: Digest,
    /// How many events it has.
    pub count: u32,
    /// Its events from the place on where the page begins, as many as fit; none if only the chain was asked for.
    pub events: Vec<EventTold>,
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTold {
    /// The key.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// What it was put to; none if it was deleted.
    pub put: Option<KeyRecord>,
    /// What was there before.
    pub previous: Previous,
}

/// What was there before an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Previous {
    /// Nothing.
    Nothing,
    /// A record with this digest.
    Digest(Digest),
    /// This record.
    Record(KeyRecord),
}

impl EventTold {
    /// What the chain has of it.
    pub fn digest(&self) -> Digest {
        let previous = match &self.previous {
            Previous::Nothing => None,
            Previous::Digest(digest) => Some(*digest),
            Previous::Record(record) => Some(record.digest()),
        };
        chain::event(&self.key, self.put.as_ref().map(KeyRecord::digest).as_ref(), previous.as_ref())
    }
}

/// Tells as much as fits from a place on, and nothing if that is yet to come.
pub(super) fn tell(state: &dyn Reader, meta: &Meta, from: Place, detail: Detail) -> Result<Story, Failure> {
    if from.revision < meta.compacted {
        return Err(KvError::Compacted.into());
    }
    let from = from.max(Place { revision: 2, event: 0 });
    let mut page = Page { state, meta, detail, budget: Budget::QUERY, told: Vec::new(), next: from };
    let mut before = None;
    loop {
        let rows = events::from(state, page.next.revision, PAGE)?;
        let is_last = rows.len() < PAGE;
        before = before.or_else(|| rows.first().map(|(_, row)| row.before));
        if !page.take(rows)? || is_last {
            break;
        }
    }
    let before = before.unwrap_or(meta.chain);
    Ok(Story { before, revisions: page.told, next: page.next })
}

/// The chain up to a revision that is kept.
pub(super) fn chain_up_to(state: &dyn Reader, meta: &Meta, revision: u64) -> Result<Digest, Failure> {
    meta.check_read(revision)?;
    if revision == meta.revision {
        return Ok(meta.chain);
    }
    let behind = events::from(state, revision + 1, 1)?.pop();
    behind.map(|(_, row)| row.before).ok_or_else(|| lost("the chain up to a revision").into())
}

struct Page<'p> {
    state: &'p dyn Reader,
    meta: &'p Meta,
    detail: Detail,
    budget: Budget,
    told: Vec<RevisionTold>,
    next: Place,
}

impl Page<'_> {
    /// Tells these revisions; false if they did not all fit.
    fn take(&mut self, rows: Vec<(u64, Events)>) -> Result<bool, Failure> {
        for (revision, row) in rows {
            if revision != self.next.revision {
                return Err(lost("a revision's events").into());
            }
            if !self.budget.may_answer(REVISION_BYTES) || !self.budget.may_read(0) {
                return Ok(false);
            }
            let chain = chain_up_to(self.state, self.meta, revision)?;
            if !self.revision(revision, chain, &row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn revision(&mut self, revision: u64, chain: Digest, row: &Events) -> Result<bool, Failure> {
        let count = u32::try_from(row.events.len()).unwrap_or(u32::MAX);
        let skipped = usize::try_from(self.next.event).unwrap_or(usize::MAX);
        let mut events = Vec::new();
        let mut is_whole = true;
        if self.detail != Detail::Chain {
            for event in row.events.iter().skip(skipped) {
                let is_first = self.told.is_empty() && events.is_empty();
                let Some(told) = self.event(revision, event, is_first)? else {
                    is_whole = false;
                    break;
                };
                events.push(told);
            }
        }
        let known = u32::try_from(events.len()).unwrap_or(u32::MAX).saturating_add(self.next.event);
        self.next =
            if is_whole { Place { revision: revision + 1, event: 0 } } else { Place { revision, event: known } };
        if is_whole || !events.is_empty() {
            self.told.push(RevisionTold { revision, chain, count, events });
        }
        Ok(is_whole)
    }

    /// An event with what belongs to it; none if it does not fit.
    fn event(&mut self, revision: u64, event: &Event, is_first: bool) -> Result<Option<EventTold>, Failure> {
        let put = if event.is_put { Some(self.put(revision, &event.key)?) } else { None };
        let bytes = event.key.len() + EVENT_BYTES + put.as_ref().map_or(0, |record| cost(&[], record));
        if !self.budget.may_answer(bytes) {
            return Ok(None);
        }
        let previous = match &event.previous {
            None => Previous::Nothing,
            Some(previous) => match self.previous(revision, &event.key, previous.digest)? {
                Some(told) => told,
                None if is_first => Previous::Digest(previous.digest),
                None => return Ok(None),
            },
        };
        Ok(Some(EventTold { key: event.key.clone(), put, previous }))
    }

    fn put(&self, revision: u64, key: &[u8]) -> Result<KeyRecord, StoreError> {
        let record = history::at(self.state, key, revision)?;
        record.filter(|record| record.mod_revision == revision).ok_or_else(|| lost("a record that an event names"))
    }

    /// What was there before, as the detail wants it; none if it does not fit.
    fn previous(&mut self, revision: u64, key: &[u8], digest: Digest) -> Result<Option<Previous>, StoreError> {
        if self.detail != Detail::Previous {
            return Ok(Some(Previous::Digest(digest)));
        }
        Ok(match history::ended_at(self.state, key, revision)? {
            Some(record) => self.budget.may_answer(cost(&[], &record)).then_some(Previous::Record(record)),
            None => Some(Previous::Digest(digest)),
        })
    }
}

fn lost(what: &str) -> StoreError {
    corrupt(EVENTS, &format!("{what} is missing"))
}
