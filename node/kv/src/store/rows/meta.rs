//! Where the store stands.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::encode;

use super::events::{OpenRow, Place};
use crate::store::KvError;
use crate::store::chain;
use crate::tables::{Overlay, row};

/// One row: [`Meta`].
pub(in crate::store) const META: Table = Table::new("kv.meta");

const META_KEY: &[u8] = b"meta";

/// The store's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Meta {
    /// Moved up by every request that changes something.
    pub(in crate::store) revision: u64,
    /// The first revision that can still be read or watched; 0: nothing was compacted.
    pub(in crate::store) compacted: u64,
    /// The bytes of history and events, keys included.
    pub(in crate::store) kept_bytes: u64,
    /// The chain up to the revision.
    pub(in crate::store) chain: Digest,
    /// The row of events that was added to last.
    pub(in crate::store) open: Option<OpenRow>,
    /// How far clearing has come.
    pub(in crate::store) clearing: Clearing,
}

/// How far clearing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Clearing {
    /// No row of events begins in front of this.
    pub(in crate::store) oldest: Place,
    /// None can go before what is compacted is behind this revision.
    pub(in crate::store) needed: u64,
    /// Rows that were cleared in advance.
    pub(in crate::store) owed: u64,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            revision: 1,
            compacted: 0,
            kept_bytes: 0,
            chain: chain::start(),
            open: None,
            clearing: Clearing::default(),
        }
    }
}

impl Meta {
    pub(in crate::store) fn read(state: &dyn Reader) -> Result<Self, StoreError> {
        Ok(row(state, META, META_KEY)?.unwrap_or_default())
    }

    pub(in crate::store) fn put(&self, state: &mut Overlay<'_>) {
        state.put(META, META_KEY, encode(self));
    }

    /// Whether a revision can be read; 0 is the latest.
    pub(in crate::store) const fn check_read(&self, revision: u64) -> Result<(), KvError> {
        if revision > self.revision {
            return Err(KvError::FutureRevision);
        }
        if revision != 0 && revision < self.compacted { Err(KvError::Compacted) } else { Ok(()) }
    }
}
