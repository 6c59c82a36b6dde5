//! What each replica has said of itself and of the chain.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_kv::store::Story;
use tetrarch_types::{SeqNum, nth_largest};

use super::limits::MAX_CHAINS;
use super::tale::Tale;

/// One replica's word.
#[derive(Debug, Default)]
pub(super) struct Voice {
    /// Its chains, at revisions that are not believed yet.
    chains: BTreeMap<u64, Digest>,
    /// The last batch that it says it has executed; none before it said anything.
    pub(super) executed: Option<SeqNum>,
    /// Its store's revision then.
    pub(super) revision: u64,
    /// Its store's compacted revision.
    pub(super) compacted: u64,
    /// Answers in a row that were none.
    pub(super) strikes: u32,
    /// How often it was left as the teller.
    pub(super) left: u32,
}

impl Voice {
    /// The last revision that it has said the chain of, or what is believed anyway.
    pub(super) fn covered(&self, believed: u64) -> u64 {
        self.chains.last_key_value().map_or(believed, |(revision, _)| *revision)
    }

    /// Whether as many of its chains are kept as may be.
    pub(super) fn is_full(&self) -> bool {
        self.chains.len() >= MAX_CHAINS
    }

    /// Notes its chain at a revision. It has one word on each: a second one does not count.
    pub(super) fn say(&mut self, revision: u64, chain: Digest) {
        self.chains.entry(revision).or_insert(chain);
    }

    /// Notes the chains of a page from a revision on; false if it is no such page.
    pub(super) fn say_all(&mut self, from: u64, page: &Story) -> bool {
        let told = &page.revisions;
        let consecutive = (from..).zip(told).all(|(revision, told)| told.revision == revision);
        let behind = from.saturating_add(told.len() as u64);
        let last = told.last().map_or(0, |told| told.revision);
        if !consecutive || (page.next.revision, page.next.event) != (behind, 0) || last > self.revision {
            return false;
        }
        let room = MAX_CHAINS.saturating_sub(self.chains.len());
        told.iter().take(room).for_each(|told| self.say(told.revision, told.chain));
        true
    }

    /// Forgets what is believed.
    pub(super) fn forget(&mut self, believed: u64) {
        self.chains = self.chains.split_off(&believed.saturating_add(1));
    }

    /// The last revision up to which it says what the tale says: a chain stands for all before it. 0: none.
    pub(super) fn agrees_up_to(&self, tale: &Tale) -> u64 {
        let Some(last) = tale.last() else { return 0 };
        let mut chains = self.chains.range(..=last).rev();
        chains.find(|(revision, chain)| tale.chain_at(**revision) == Some(**chain)).map_or(0, |(revision, _)| *revision)
    }

    /// Where it says otherwise than the tale.
    pub(super) fn disputes<'v>(&'v self, tale: &'v Tale) -> impl Iterator<Item = (u64, Digest)> + 'v {
        let last = tale.last().unwrap_or_default();
        let others = self.chains.range(..=last).map(|(revision, chain)| (*revision, *chain));
        others.filter(|(revision, chain)| tale.chain_at(*revision).is_some_and(|told| told != *chain))
    }
}

/// The largest number that so many of these reach; 0 if there are fewer.
pub(super) fn reached_by(count: usize, numbers: impl Iterator<Item = u64>) -> u64 {
    nth_largest(numbers, count).unwrap_or_default()
}
