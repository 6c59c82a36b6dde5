//! Seeds, and the forms in which people write them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// What a whole run follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(u64);

/// Why a text is no seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no seed: give a number, a number in hexadecimal behind 0x, or a commit hash of 40 hexadecimal digits"
)]
pub struct NoSeed(String);

const COMMIT_DIGITS: usize = 40;

impl Seed {
    /// Names a number as a seed.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The bare number.
    pub const fn get(self) -> u64 {
        self.0
    }

    fn of_commit(hash: &str) -> Self {
        let digest = Sha256::digest(hash.to_ascii_lowercase().as_bytes());
        let first = digest.first_chunk::<8>().copied().unwrap_or_default();
        Self(u64::from_be_bytes(first))
    }
}

impl FromStr for Seed {
    type Err = NoSeed;

    fn from_str(text: &str) -> Result<Self, NoSeed> {
        let bad = || NoSeed(text.to_owned());
        if text.len() == COMMIT_DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Ok(Self::of_commit(text));
        }
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).map(Self).map_err(|_| bad()),
            None => text.parse().map(Self).map_err(|_| bad()),
        }
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
