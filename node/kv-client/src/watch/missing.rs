//! A record that was there before an event, and that the teller left out: for want of room, or because it lies.

use std::collections::BTreeSet;

use tetrarch_crypto::Digest;
use tetrarch_kv::store::Previous;
use tetrarch_kv::{KeyRecord, KvQuery, RangeRequest, Selection};

use super::tale::Told;

/// Anyone may give it: its digest is believed already.
#[derive(Debug)]
pub(super) struct Missing {
    revision: u64,
    place: usize,
    key: Vec<u8>,
    digest: Digest,
    /// Who was asked in vain.
    heard: BTreeSet<usize>,
}

impl Missing {
    /// The first record that a revision lacks.
    pub(super) fn first_of(told: &Told) -> Option<Self> {
        let missing = told.events.iter().enumerate().find_map(|(place, event)| match event.previous {
            Previous::Digest(digest) => Some((place, event.key.clone(), digest)),
            Previous::Nothing | Previous::Record(_) => None,
        });
        missing.map(|(place, key, digest)| Self { revision: told.revision, place, key, digest, heard: BTreeSet::new() })
    }

    /// The number of its event.
    pub(super) const fn place(&self) -> usize {
        self.place
    }

    pub(super) const fn is_same(&self, other: &Self) -> bool {
        self.revision == other.revision && self.place == other.place
    }

    /// How to ask for it.
    pub(super) fn query(&self) -> KvQuery {
        KvQuery::Range(RangeRequest::one(self.key.clone()).at(self.revision - 1))
    }

    /// Whether to ask this replica: one of the next so many of them, the teller as the last, that were not asked in vain.
    pub(super) fn is_for(&self, replica: usize, teller: usize, size: usize, count: usize) -> bool {
        let turns = (1..=size).map(|step| (teller + step) % size);
        turns.filter(|index| !self.heard.contains(index)).take(count).any(|index| index == replica)
    }

    /// A replica does not have it. When all were asked in vain, all are asked again: some may have been behind.
    pub(super) fn heard(&mut self, replica: usize, size: usize) {
        self.heard.insert(replica);
        if self.heard.len() >= size {
            self.heard.clear();
        }
    }

    /// The record, if this is it.
    pub(super) fn proven(&self, selection: Selection) -> Option<KeyRecord> {
        let (key, record) = selection.records.into_iter().next()?;
        (key == self.key && record.digest() == self.digest).then_some(record)
    }
}
