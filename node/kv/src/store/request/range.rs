//! Reading.

use serde::{Deserialize, Serialize};

use super::keys::KeyRange;
use crate::store::KvError;

/// Reads keys, now or as they were at a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeRequest {
    /// Which keys.
    pub range: KeyRange,
    /// Records in the answer at most, after filters and sorting; 0: all.
    pub limit: u64,
    /// The revision to read at; 0: the latest.
    pub revision: u64,
    /// How the records are sorted.
    pub sort: Sort,
    /// Records without their values.
    pub keys_only: bool,
    /// No records, only their number.
    pub count_only: bool,
    /// Only records last put within these revisions.
    pub mod_revisions: Revisions,
    /// Only records whose keys came to be within these revisions.
    pub create_revisions: Revisions,
}

/// Bounds of revisions, both inclusive; 0: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// The first.
    pub min: u64,
    /// The last.
    pub max: u64,
}

/// An order of records. Equal ones are in the order of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// Which way.
    pub order: SortOrder,
    /// By what.
    pub target: SortTarget,
}

/// Which way records are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortOrder {
    /// Not said: ascending. With a limit, no filter and a target that is not the key, etcd sorts so many records and one more, from
    /// the first key on; so does this store.
    #[default]
    None,
    /// The smallest first.
    Ascend,
    /// The largest first.
    Descend,
}

/// What records are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortTarget {
    /// The key.
    #[default]
    Key,
    /// Puts since the key came to be.
    Version,
    /// The revision at which the key came to be.
    Create,
    /// The revision of the last put.
    Mod,
    /// The value.
    Value,
}

impl RangeRequest {
    /// The latest records of these keys.
    pub fn of(range: KeyRange) -> Self {
        Self { range, ..Self::default() }
    }

    /// One key.
    pub fn one(key: impl Into<Vec<u8>>) -> Self {
        Self::of(KeyRange::one(key))
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        Self::of(KeyRange::prefix(prefix))
    }

    /// With so many records at most; 0: all.
    #[must_use]
    pub fn limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// As it was at a revision; 0: the latest.
    #[must_use]
    pub fn at(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    /// Whether it can be asked for.
    ///
    /// # Errors
    /// [`KvError::KeyNotProvided`], [`KvError::KeyTooLong`].
    pub fn check(&self) -> Result<(), KvError> {
        self.range.check()
    }

    /// Whether some of the records are left out by what they are like.
    pub(in crate::store) fn has_filters(&self) -> bool {
        self.mod_revisions != Revisions::default() || self.create_revisions != Revisions::default()
    }
}

impl Revisions {
    pub(in crate::store) const fn contains(&self, revision: u64) -> bool {
        (self.min == 0 || self.min <= revision) && (self.max == 0 || revision <= self.max)
    }
}
