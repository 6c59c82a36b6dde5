//! How much hangs together.

use super::bounds::{MAX_LEASE_BYTES, MAX_REVISION_KEY_BYTES, MAX_REVISION_KEYS, RECORD_BYTES};

/// How much one revision changes, or hangs on one lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Load {
    keys: u32,
    key_bytes: u32,
    bytes: u64,
}

impl Load {
    /// With one key more, and the bytes of its value; none if that is more than a lease may have.
    pub(super) fn with(self, key: &[u8], value: &[u8]) -> Option<Self> {
        let more = Self {
            keys: self.keys + 1,
            key_bytes: self.key_bytes + u32::try_from(key.len()).ok()?,
            bytes: self.bytes + weight(key, value),
        };
        more.is_bounded().then_some(more)
    }

    /// With one key less.
    pub(super) fn without(self, key: &[u8], value: &[u8]) -> Self {
        Self {
            keys: self.keys.saturating_sub(1),
            key_bytes: self.key_bytes.saturating_sub(u32::try_from(key.len()).unwrap_or(u32::MAX)),
            bytes: self.bytes.saturating_sub(weight(key, value)),
        }
    }

    /// Both together, whatever they come to.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            keys: self.keys.saturating_add(other.keys),
            key_bytes: self.key_bytes.saturating_add(other.key_bytes),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// How many keys.
    pub(super) const fn keys(self) -> usize {
        self.keys as usize
    }

    /// The bytes that its records take where they are moved or told, at most.
    pub(super) fn cost(self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX).saturating_add(self.keys() * RECORD_BYTES)
    }

    /// Whether it is no more than one lease may have.
    pub(super) const fn is_bounded(self) -> bool {
        self.keys as usize <= MAX_REVISION_KEYS
            && self.key_bytes as usize <= MAX_REVISION_KEY_BYTES
            && self.bytes <= MAX_LEASE_BYTES as u64
    }
}

const fn weight(key: &[u8], value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}
