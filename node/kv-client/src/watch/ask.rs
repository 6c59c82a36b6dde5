//! What a follower asks, and what comes of it.

use tetrarch_kv::KvQuery;
use tetrarch_kv::store::{Detail, Place};
use tetrarch_types::SeqNum;

/// What to ask one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What.
    pub query: KvQuery,
    /// Where it says something: to wait with the answer until something behind this batch was executed, or ten seconds have passed.
    pub behind: Option<SeqNum>,
}

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Something that was not known.
    Something,
    /// Nothing.
    Nothing,
    /// It was no answer: its replica should be given a rest.
    Nonsense,
}

impl Ask {
    /// Whether a replica should drop an earlier question for this one: because that waits and this does not, or because that is not what is wanted
    /// of it any more.
    pub fn replaces(&self, earlier: &Self) -> bool {
        self.is_full_story() != earlier.is_full_story() || (self.behind.is_none() && earlier.behind.is_some())
    }

    const fn is_full_story(&self) -> bool {
        matches!(self.query, KvQuery::Story { detail: Detail::Events | Detail::Previous, .. })
    }

    pub(super) const fn story(from: Place, detail: Detail, behind: Option<SeqNum>) -> Self {
        Self { query: KvQuery::Story { from, detail }, behind }
    }

    pub(super) const fn chain_at(revision: u64) -> Self {
        Self { query: KvQuery::Hash { revision }, behind: None }
    }
}
