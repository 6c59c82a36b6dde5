//! Which keys a request is about.

use serde::{Deserialize, Serialize};

use crate::store::KvError;
use crate::store::bounds::MAX_KEY_BYTES;
use crate::tables::behind;

/// etcd's way to name one key or many.
///
/// | end | keys |
/// |---|---|
/// | empty | `key` alone |
/// | the single byte 0 | all from `key` on |
/// | any other | all of `[key, end)`; none if `end` is not behind `key` |
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// The key, or the first one. Never empty.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// See above.
    #[serde(with = "serde_bytes")]
    pub end: Vec<u8>,
}

/// The keys of `[from, to)`; an empty `to` is no bound. Nothing, if `from` is not before `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Span {
    pub(in crate::store) from: Vec<u8>,
    pub(in crate::store) to: Vec<u8>,
}

impl KeyRange {
    /// One key.
    pub fn one(key: impl Into<Vec<u8>>) -> Self {
        Self { key: key.into(), end: Vec::new() }
    }

    /// All keys that begin with `prefix`; every key begins with an empty one.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let prefix = prefix.into();
        let end = Some(prefix_end(&prefix)).filter(|end| !end.is_empty()).unwrap_or_else(|| vec![0]);
        Self { key: if prefix.is_empty() { vec![0] } else { prefix }, end }
    }

    /// The keys of `[from, to)`; an empty `to` is no bound.
    pub fn between(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) -> Self {
        let or_zero = |key: Vec<u8>| if key.is_empty() { vec![0] } else { key };
        let to = to.into();
        // No key is before the byte 0, which as an end means that there is none.
        if to == [0] {
            Self { key: vec![1], end: vec![1] }
        } else {
            Self { key: or_zero(from.into()), end: or_zero(to) }
        }
    }

    /// Leaves out all keys up to one of them, the last that is known: what is asked for next of a range that comes in pages.
    pub fn begin_behind(&mut self, last: &[u8]) {
        self.key = behind(last);
    }

    /// Whether it names one key.
    pub const fn is_one(&self) -> bool {
        self.end.is_empty()
    }

    /// Whether a key is among them.
    pub fn contains(&self, key: &[u8]) -> bool {
        match self.end.as_slice() {
            [] => key == self.key,
            [0] => key >= self.key.as_slice(),
            end => (self.key.as_slice()..end).contains(&key),
        }
    }

    /// Whether it can be asked for.
    ///
    /// # Errors
    /// [`KvError::KeyNotProvided`], [`KvError::KeyTooLong`].
    pub fn check(&self) -> Result<(), KvError> {
        match (self.key.len(), self.end.len()) {
            (0, _) => Err(KvError::KeyNotProvided),
            // What lies behind the longest key must be sayable.
            (key, _) if key > MAX_KEY_BYTES + usize::from(!self.is_one()) => Err(KvError::KeyTooLong),
            (_, end) if end > MAX_KEY_BYTES + 1 => Err(KvError::KeyTooLong),
            _ => Ok(()),
        }
    }

    pub(in crate::store) fn span(&self) -> Span {
        let to = match self.end.as_slice() {
            [] => behind(&self.key),
            [0] => Vec::new(),
            end => end.to_vec(),
        };
        Span { from: self.key.clone(), to }
    }
}

impl Span {
    pub(in crate::store) fn is_empty(&self) -> bool {
        !self.to.is_empty() && self.from >= self.to
    }
}

/// The first key behind all that begin with `prefix`; empty, which is no bound, if there is none.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            break;
        }
    }
    end
}

/// Whether it can be a key.
pub(super) fn check_key(key: &[u8]) -> Result<(), KvError> {
    match key.len() {
        0 => Err(KvError::KeyNotProvided),
        1..=MAX_KEY_BYTES => Ok(()),
        _ => Err(KvError::KeyTooLong),
    }
}
