//! What can be asked of one replica's store without ordering it.

use serde::{Deserialize, Serialize};
use tetrarch_storage::{Reader, StoreError};
use tetrarch_types::{DecodeError, decode, encode, limits};

use super::bounds::{Budget, MAX_QUERY_BYTES};
use super::command::{check_key, check_range, prefix_end};
use super::select::select;
use super::{KeyRecord, KvError, Selection, events::Meta, record};

/// A read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvQuery {
    /// One key.
    Get {
        /// The key.
        key: Vec<u8>,
    },
    /// The keys of `[from, to)`.
    Range {
        /// The first key.
        from: Vec<u8>,
        /// The first key that does not belong to it any more; empty: no bound.
        to: Vec<u8>,
        /// Records in the answer, at most; 0: as many as fit.
        limit: u64,
    },
}

/// The answer to any [`KvQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryResult {
    /// The store's revision.
    pub revision: u64,
    /// Keys and records, ascending.
    pub records: Vec<(Vec<u8>, KeyRecord)>,
    /// Keys in the range, whatever the limit.
    pub count: u64,
    /// Whether all keys of the range were counted; if not, there may be more than [`count`](Self::count).
    pub count_is_exact: bool,
    /// Whether the range has keys behind the last record: see [`KvQuery::after`].
    pub more: bool,
}

impl KvQuery {
    /// One key.
    pub fn get(key: impl Into<Vec<u8>>) -> Self {
        Self::Get { key: key.into() }
    }

    /// The keys of `[from, to)`; an empty `to` is no bound.
    pub fn range(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>, limit: u64) -> Self {
        Self::Range { from: from.into(), to: to.into(), limit }
    }

    /// The keys with this prefix.
    pub fn prefix(prefix: impl Into<Vec<u8>>, limit: u64) -> Self {
        let from = prefix.into();
        Self::Range { to: prefix_end(&from), from, limit }
    }

    /// The rest of a range whose last answer ended with this key.
    #[must_use]
    pub fn after(self, last: &[u8]) -> Self {
        match self {
            Self::Range { to, limit, .. } => Self::Range { from: [last, &[0]].concat(), to, limit },
            Self::Get { .. } => self,
        }
    }

    /// The bytes of a [`Query::Read`](tetrarch_types::Query::Read).
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the bytes of a [`Query::Read`](tetrarch_types::Query::Read).
    ///
    /// # Errors
    /// [`KvError::Malformed`], [`KvError::KeyNotProvided`], [`KvError::KeyTooLong`].
    pub fn decode(bytes: &[u8]) -> Result<Self, KvError> {
        let query = decode(bytes, MAX_QUERY_BYTES).map_err(|_| KvError::Malformed)?;
        match &query {
            Self::Get { key } => check_key(key)?,
            Self::Range { from, to, .. } => check_range(from, to)?,
        }
        Ok(query)
    }

    pub(super) fn answer(&self, state: &dyn Reader) -> Result<QueryResult, StoreError> {
        let mut budget = Budget::QUERY;
        let selection = match self {
            Self::Get { key } => one(key, record::read(state, key)?),
            Self::Range { from, to, limit } => select(state, from, to, *limit, &mut budget)?,
        };
        let Selection { records, count, count_is_exact, more } = selection;
        Ok(QueryResult { revision: Meta::read(state)?.revision, records, count, count_is_exact, more })
    }
}

impl QueryResult {
    /// The bytes of an [`Answer`](tetrarch_types::Answer).
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the bytes of an [`Answer`](tetrarch_types::Answer).
    ///
    /// # Errors
    /// If they are none of this store's.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, limits::MAX_RESULT_BYTES)
    }
}

fn one(key: &[u8], record: Option<KeyRecord>) -> Selection {
    let records: Vec<_> = record.map(|record| (key.to_vec(), record)).into_iter().collect();
    Selection { count: records.len() as u64, records, count_is_exact: true, more: false }
}
