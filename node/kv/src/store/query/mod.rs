//! What can be asked of one replica's store without ordering it.

mod leases;
mod story;

use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError};
use tetrarch_types::{DecodeError, decode, encode, limits};

pub use leases::{LeaseList, LeaseState, ListedLease};
pub use story::{Detail, EventTold, Place, Previous, RevisionTold, Story};

use super::bounds::MAX_QUERY_BYTES;
use super::budget::Budget;
use super::failure::Failure;
use super::read::{Fit, select};
use super::request::RangeRequest;
use super::rows::meta::Meta;
use super::{KeyRange, KvError, Selection};

/// A question. The answer is that of the state behind one whole batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvQuery {
    /// Keys. What does not fit is left out, and the answer says that there is more: see [`after`](Self::after).
    Range(RangeRequest),
    /// One lease.
    Lease {
        /// Which.
        id: u64,
        /// Whether to list its keys.
        keys: bool,
    },
    /// All leases, page by page.
    Leases {
        /// The first id to list, if there is one.
        from: u64,
    },
    /// What happened from a revision on, page by page.
    Story {
        /// Where to begin.
        from: Place,
        /// What to tell of it.
        detail: Detail,
    },
    /// The chain up to a revision: a hash of all that happened, and so of what it led to.
    Hash {
        /// The revision; 0: the latest.
        revision: u64,
    },
    /// Keys, and not how many more there are: as [`Range`](Self::Range), but nothing is read behind the first record that does not belong to the
    /// answer. Where records are sorted by something else than their keys all must be read, and are counted.
    Page(RangeRequest),
}

/// The answer to a [`KvQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryResult {
    /// The store's revision.
    pub revision: u64,
    /// The first revision that can be read; 0: nothing was compacted.
    pub compacted: u64,
    /// The answer, or why there is none.
    pub answer: Result<QueryAnswer, KvError>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryAnswer {
    /// To [`KvQuery::Range`] and [`KvQuery::Page`].
    Range(Selection),
    /// To [`KvQuery::Lease`]; none if there is none.
    Lease(Option<LeaseState>),
    /// To [`KvQuery::Leases`].
    Leases(LeaseList),
    /// To [`KvQuery::Story`].
    Story(Story),
    /// To [`KvQuery::Hash`].
    Hash {
        /// The revision.
        revision: u64,
        /// The chain up to it.
        chain: Digest,
    },
}

impl KvQuery {
    /// One key.
    pub fn get(key: impl Into<Vec<u8>>) -> Self {
        Self::Range(RangeRequest::one(key))
    }

    /// The keys of `[from, to)`; an empty `to` is no bound. With so many records at most; 0: all.
    pub fn range(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>, limit: u64) -> Self {
        Self::Range(RangeRequest::of(KeyRange::between(from, to)).limit(limit))
    }

    /// The keys that begin with `prefix`. With so many records at most; 0: all.
    pub fn prefix(prefix: impl Into<Vec<u8>>, limit: u64) -> Self {
        Self::Range(RangeRequest::prefix(prefix).limit(limit))
    }

    /// The rest of a range in the order of its keys, whose last answer ended with this key.
    #[must_use]
    pub fn after(mut self, last: &[u8]) -> Self {
        if let Self::Range(request) | Self::Page(request) = &mut self
            && !request.range.is_one()
        {
            request.range.begin_behind(last);
        }
        self
    }

    /// The bytes of a [`Query::Read`](tetrarch_types::Query::Read).
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the bytes of a [`Query::Read`](tetrarch_types::Query::Read).
    ///
    /// # Errors
    /// [`KvError::Malformed`], and what [`RangeRequest::check`] says.
    pub fn decode(bytes: &[u8]) -> Result<Self, KvError> {
        let query = decode(bytes, MAX_QUERY_BYTES).map_err(|_| KvError::Malformed)?;
        if let Self::Range(request) | Self::Page(request) = &query {
            request.check()?;
        }
        Ok(query)
    }

    pub(super) fn answer(&self, state: &dyn Reader) -> Result<QueryResult, StoreError> {
        let meta = Meta::read(state)?;
        let answer = match self.look(state, &meta) {
            Ok(answer) => Ok(answer),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Store(error)) => return Err(error),
        };
        Ok(QueryResult { revision: meta.revision, compacted: meta.compacted, answer })
    }

    fn look(&self, state: &dyn Reader, meta: &Meta) -> Result<QueryAnswer, Failure> {
        Ok(match self {
            Self::Range(request) => range(state, meta, request, Fit::Some)?,
            Self::Page(request) => range(state, meta, request, Fit::Page)?,
            Self::Lease { id, keys } => QueryAnswer::Lease(leases::one(state, *id, *keys)?),
            Self::Leases { from } => QueryAnswer::Leases(leases::list(state, *from)?),
            Self::Story { from, detail } => QueryAnswer::Story(story::tell(state, meta, *from, *detail)?),
            Self::Hash { revision } => {
                let revision = if *revision == 0 { meta.revision } else { *revision };
                QueryAnswer::Hash { revision, chain: story::chain_up_to(state, meta, revision)? }
            }
        })
    }
}

fn range(state: &dyn Reader, meta: &Meta, request: &RangeRequest, fit: Fit) -> Result<QueryAnswer, Failure> {
    meta.check_read(request.revision)?;
    Ok(QueryAnswer::Range(select(state, request, meta.revision, &mut Budget::QUERY.clone(), fit)?))
}

impl QueryResult {
    /// The records of an answer to a range.
    ///
    /// # Errors
    /// Why there are none; [`KvError::Malformed`] if it is the answer to another question.
    pub fn selection(self) -> Result<Selection, KvError> {
        match self.answer? {
            QueryAnswer::Range(selection) => Ok(selection),
            _ => Err(KvError::Malformed),
        }
    }

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
