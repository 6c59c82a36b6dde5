//! What was decided once, so that everyone is told the same.

use std::collections::BTreeMap;

/// Decisions that are remembered.
const REMEMBERED: usize = 64;

/// The latest decisions, by what they were about.
pub(super) struct Memo<K, V>(BTreeMap<K, V>);

impl<K: Ord, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V> Memo<K, V> {
    /// What was decided about this, else what is decided now.
    pub(super) fn of(&mut self, about: K, decide: impl FnOnce() -> V) -> &mut V {
        while self.0.len() >= REMEMBERED && !self.0.contains_key(&about) {
            self.0.pop_first();
        }
        self.0.entry(about).or_insert_with(decide)
    }

    /// What was decided about this, if anything was.
    pub(super) fn known(&self, about: &K) -> Option<&V> {
        self.0.get(about)
    }
}
