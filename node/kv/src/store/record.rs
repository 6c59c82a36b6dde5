//! What the store knows about a key.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, Domain};
use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::encode;

use super::bounds::RECORD_BYTES;
use crate::tables::row;

/// Key → [`KeyRecord`].
pub(super) const RECORDS: Table = Table::new("kv.records");

/// A key's value, and how it came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The value.
    #[serde(with = "serde_bytes")]
    pub value: Vec<u8>,
    /// The revision at which the key came to be.
    pub create_revision: u64,
    /// The revision of the last put.
    pub mod_revision: u64,
    /// Puts since the key came to be.
    pub version: u64,
    /// The lease that the key hangs on. 0: none.
    pub lease: u64,
}

impl KeyRecord {
    /// What an event says of a record.
    pub fn digest(&self) -> Digest {
        Digest::of(Domain::KvRecord, &[&encode(self)])
    }
}

/// A key and its record.
pub type Pair = (Vec<u8>, KeyRecord);

/// A key's record, if it has one.
pub(super) fn read(state: &dyn Reader, key: &[u8]) -> Result<Option<KeyRecord>, StoreError> {
    row(state, RECORDS, key)
}

/// What a record takes of an answer, at most.
pub(super) fn cost(key: &[u8], record: &KeyRecord) -> usize {
    key.len() + record.value.len() + RECORD_BYTES
}
