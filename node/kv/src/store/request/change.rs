//! Changing keys.

use serde::{Deserialize, Serialize};

use super::keys::{KeyRange, check_key};
use crate::store::KvError;
use crate::store::bounds::MAX_VALUE_BYTES;

/// Puts a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRequest {
    /// The key.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// Its new value.
    #[serde(with = "serde_bytes")]
    pub value: Vec<u8>,
    /// The lease that it hangs on from now on; 0: none.
    pub lease: u64,
    /// Whether the answer has what was there before.
    pub prev_kv: bool,
    /// Whether it keeps the value that it has; it must have one.
    pub ignore_value: bool,
    /// Whether it keeps the lease that it has; the key must be there.
    pub ignore_lease: bool,
}

/// Deletes keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRangeRequest {
    /// Which keys.
    pub range: KeyRange,
    /// Whether the answer has what was there before.
    pub prev_kv: bool,
}

impl PutRequest {
    /// A key and its value.
    pub fn new(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self { key: key.into(), value: value.into(), ..Self::default() }
    }

    /// Hanging on a lease.
    #[must_use]
    pub fn lease(self, lease: u64) -> Self {
        Self { lease, ..self }
    }

    /// Whether it can be asked for.
    ///
    /// # Errors
    /// [`KvError::KeyNotProvided`], [`KvError::KeyTooLong`], [`KvError::ValueProvided`], [`KvError::LeaseProvided`],
    /// [`KvError::ValueTooLarge`].
    pub fn check(&self) -> Result<(), KvError> {
        check_key(&self.key)?;
        if self.ignore_value && !self.value.is_empty() {
            return Err(KvError::ValueProvided);
        }
        if self.ignore_lease && self.lease != 0 {
            return Err(KvError::LeaseProvided);
        }
        if self.value.len() > MAX_VALUE_BYTES { Err(KvError::ValueTooLarge) } else { Ok(()) }
    }
}

impl DeleteRangeRequest {
    /// These keys.
    pub fn of(range: KeyRange) -> Self {
        Self { range, prev_kv: false }
    }
}
