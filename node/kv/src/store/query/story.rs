//! The story behind a revision, for watches: what happened, revision by revision, and the chain that proves it.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError};

use crate::store::KvError;
use crate::store::budget::Budget;
use crate::store::chain;
use crate::store::failure::Failure;
use crate::store::record::{KeyRecord, cost};
use crate::store::rows::events::{self, Event, Happened, lost};
use crate::store::rows::history;
use crate::store::rows::meta::Meta;

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
    let mut revisions = events::from(state, from.revision)?;
    let before = revisions.before()?.unwrap_or(meta.chain);
    while let Some(happened) = revisions.next()? {
        if !page.take(&happened)? {
            break;
        }
    }
    Ok(Story { before, revisions: page.told, next: page.next })
}

/// The chain up to a revision that is kept.
pub(super) fn chain_up_to(state: &dyn Reader, meta: &Meta, revision: u64) -> Result<Digest, Failure> {
    meta.check_read(revision)?;
    if revision == meta.revision {
        return Ok(meta.chain);
    }
    let chain = events::from(state, revision + 1)?.before()?;
    chain.ok_or_else(|| lost("the chain up to a revision").into())
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
    /// Tells the next revision; false if it did not fit whole.
    fn take(&mut self, happened: &Happened) -> Result<bool, Failure> {
        let revision = happened.revision;
        if revision != self.next.revision {
            return Err(lost("a revision's events").into());
        }
        if !self.budget.may_answer(REVISION_BYTES) || !self.budget.may_read(0) {
            return Ok(false);
        }
        let chain = happened.chain.unwrap_or(self.meta.chain);
        let count = u32::try_from(happened.events.len()).unwrap_or(u32::MAX);
        let skipped = usize::try_from(self.next.event).unwrap_or(usize::MAX);
        let mut events = Vec::new();
        let mut is_whole = true;
        if self.detail != Detail::Chain {
            for event in happened.events.iter().skip(skipped) {
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
            Some(record) if !self.tells_previous(revision) => Previous::Digest(record.digest()),
            Some(record) if self.budget.may_answer(cost(&[], record)) => Previous::Record(record.clone()),
            Some(record) if is_first => Previous::Digest(record.digest()),
            Some(_) => return Ok(None),
        };
        Ok(Some(EventTold { key: event.key.clone(), put, previous }))
    }

    /// What ended with the compacted revision cannot be read any more, even where it is not cleared yet.
    fn tells_previous(&self, revision: u64) -> bool {
        self.detail == Detail::Previous && revision > self.meta.compacted
    }

    fn put(&self, revision: u64, key: &[u8]) -> Result<KeyRecord, StoreError> {
        let record = history::at(self.state, key, revision)?;
        record.filter(|record| record.mod_revision == revision).ok_or_else(|| lost("a record that an event names"))
    }
}
