//! What one replica tells in full, as far as it is not believed yet: checked for what one replica alone can be found to be wrong in.

use std::collections::VecDeque;

use tetrarch_crypto::Digest;
use tetrarch_kv::store::bounds::MAX_REVISION_KEYS;
use tetrarch_kv::store::{EventTold, Place, RevisionTold, Story, chain};

use super::happened::weight;
use super::limits::{MAX_REVISION_BYTES, TALE_BYTES, TALE_REVISIONS};

/// A page that no honest replica tells: out of order, with gaps, beside its own chain, or without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

/// A revision that was told as a whole, with the chain that its events hash to.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) revision: u64,
    pub(super) chain: Digest,
    pub(super) events: Vec<EventTold>,
    pub(super) bytes: usize,
}

/// The beginning of a revision that comes in parts.
#[derive(Debug)]
struct Part {
    count: u32,
    chain: Digest,
    digests: Vec<Digest>,
    events: Vec<EventTold>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Tale {
    /// The chain before the first revision told, if it is believed.
    believed: Option<Digest>,
    /// At the very beginning it is the teller's word: what follows is believed together with it, or not at all.
    claimed: Option<Digest>,
    told: VecDeque<Told>,
    part: Option<Part>,
    place: Place,
    bytes: usize,
}

impl Tale {
    /// Nothing told yet, from a revision on.
    pub(super) const fn new(revision: u64) -> Self {
        Self::behind(revision, None)
    }

    const fn behind(revision: u64, believed: Option<Digest>) -> Self {
        let place = Place { revision, event: 0 };
        Self { believed, claimed: None, told: VecDeque::new(), part: None, place, bytes: 0 }
    }

    /// Forgets what was told and is not believed: another begins with this revision.
    pub(super) fn restart(&mut self, revision: u64) {
        *self = Self::behind(revision, self.believed);
    }

    /// Where it is to go on.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// The last revision that was told as a whole.
    pub(super) fn last(&self) -> Option<u64> {
        self.told.back().map(|told| told.revision)
    }

    /// What its events hash to, up to a revision.
    pub(super) fn chain_at(&self, revision: u64) -> Option<Digest> {
        let index = revision.checked_sub(self.told.front()?.revision)?;
        self.told.get(usize::try_from(index).ok()?).map(|told| told.chain)
    }

    /// Whether so much of it is not believed that nothing more should be asked for.
    pub(super) fn is_full(&self) -> bool {
        self.bytes > TALE_BYTES || self.told.len() >= TALE_REVISIONS
    }

    /// The bytes of whole revisions.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the next revision out, if it is not behind this one.
    pub(super) fn take(&mut self, up_to: u64) -> Option<Told> {
        self.told.front().filter(|told| told.revision <= up_to)?;
        let told = self.told.pop_front()?;
        self.bytes -= told.bytes;
        self.believed = Some(told.chain);
        Some(told)
    }

    /// Adds a page that begins at [`place`](Self::place), told by a replica that says it is at a revision. True if it told anything.
    pub(super) fn add(&mut self, page: Story, newest: u64) -> Result<bool, Nonsense> {
        let Some(last) = page.revisions.last() else {
            let nothing_yet = page.next == self.place && newest < self.place.revision;
            return if nothing_yet { Ok(false) } else { Err(Nonsense) };
        };
        check(newest >= last.revision)?;
        self.claimed = self.claimed.or(Some(page.before));
        check(self.before_next() == Some(page.before))?;
        for told in page.revisions {
            // Only the last revision of a page may be cut.
            check(told.revision == self.place.revision)?;
            self.revision(told)?;
        }
        check(page.next == self.place)?;
        Ok(true)
    }

    /// The chain before the revision that is told next.
    fn before_next(&self) -> Option<Digest> {
        self.told.back().map(|told| told.chain).or(self.believed).or(self.claimed)
    }

    fn revision(&mut self, told: RevisionTold) -> Result<(), Nonsense> {
        let RevisionTold { revision, chain, count, events } = told;
        check(!events.is_empty() && count as usize <= MAX_REVISION_KEYS)?;
        let mut part = self.part.take().unwrap_or_else(|| Part::new(count, chain));
        check((part.count, part.chain) == (count, chain))?;
        part.extend(revision, events)?;
        let known = u32::try_from(part.events.len()).map_err(|_| Nonsense)?;
        if known < count {
            self.place = Place { revision, event: known };
            self.part = Some(part);
            return Ok(());
        }
        let before = self.before_next().ok_or(Nonsense)?;
        check(known == count && chain::next(&before, revision, &part.digests) == chain)?;
        self.place = Place { revision: revision + 1, event: 0 };
        self.bytes += part.bytes;
        self.told.push_back(Told { revision, chain, events: part.events, bytes: part.bytes });
        Ok(())
    }
}

impl Part {
    const fn new(count: u32, chain: Digest) -> Self {
        Self { count, chain, digests: Vec::new(), events: Vec::new(), bytes: 0 }
    }

    fn extend(&mut self, revision: u64, events: Vec<EventTold>) -> Result<(), Nonsense> {
        self.bytes += events.iter().map(weight).sum::<usize>();
        check(self.bytes <= MAX_REVISION_BYTES)?;
        let is_of_it = |event: &EventTold| event.put.as_ref().is_none_or(|record| record.mod_revision == revision);
        check(events.iter().all(is_of_it))?;
        self.digests.extend(events.iter().map(EventTold::digest));
        self.events.extend(events);
        Ok(())
    }
}

fn check(holds: bool) -> Result<(), Nonsense> {
    if holds { Ok(()) } else { Err(Nonsense) }
}
