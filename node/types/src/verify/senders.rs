//! Keys found strong, so that a sender's key is examined once and not with each of its transactions.

use std::collections::BTreeSet;

use tetrarch_crypto::PublicKey;

const GENERATION: usize = 16_384;

/// Two generations of keys: when the young one is full it becomes the old one. At most twice [`GENERATION`] keys.
#[derive(Default)]
pub(super) struct KnownSenders {
    young: BTreeSet<PublicKey>,
    old: BTreeSet<PublicKey>,
}

impl KnownSenders {
    pub(super) fn contains(&self, key: &PublicKey) -> bool {
        self.young.contains(key) || self.old.contains(key)
    }

    pub(super) fn insert(&mut self, key: PublicKey) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key);
    }
}
