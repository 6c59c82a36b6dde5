//! Where a leaf hangs, and the places above it.

use serde::{Deserialize, Serialize};

use crate::{Digest, Domain};

/// The place of a row's leaf: the digest of its table's name and its key, read as 256 bits from the first byte's highest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Path(Digest);

impl Path {
    /// Bits in a path.
    pub const BITS: usize = 256;
    /// Nibbles in a path.
    pub const NIBBLES: usize = 64;

    /// The place of the row with this key in this table.
    pub fn of(table: &str, key: &[u8]) -> Self {
        Self(Digest::of(Domain::StatePath, &[table.as_bytes(), key]))
    }

    /// The path with these bytes: one that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Its bit at a depth below 256, counted from the root; false beyond.
    pub fn bit(&self, depth: usize) -> bool {
        self.as_bytes().get(depth / 8).is_some_and(|byte| byte >> (7 - depth % 8) & 1 == 1)
    }

    /// Its nibble at a depth below 64, counted from the root; 0 beyond.
    pub fn nibble(&self, depth: usize) -> u8 {
        let byte = self.as_bytes().get(depth / 2).copied().unwrap_or(0);
        if depth.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
    }

    /// How many bits the two have in common from the root on.
    pub fn common_bits(&self, other: &Self) -> usize {
        (0..Self::BITS).find(|depth| self.bit(*depth) != other.bit(*depth)).unwrap_or(Self::BITS)
    }
}

/// The first nibbles of a path: a place in the tree where a page may hang. At most 64 nibbles.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Prefix(Vec<u8>);

impl Prefix {
    /// The root's place.
    pub const ROOT: Self = Self(Vec::new());

    /// The place with these nibbles; none if there are more than 64 or one is above 15.
    pub fn new(nibbles: Vec<u8>) -> Option<Self> {
        Some(Self(nibbles)).filter(Self::is_valid)
    }

    /// Whether it can be a place: one that came over the wire may not.
    pub fn is_valid(&self) -> bool {
        self.0.len() <= Path::NIBBLES && self.0.iter().all(|nibble| *nibble < 16)
    }

    /// The place below it, for this nibble.
    #[must_use]
    pub fn child(&self, nibble: u8) -> Self {
        let mut nibbles = Vec::with_capacity(self.0.len() + 1);
        nibbles.extend_from_slice(&self.0);
        nibbles.push(nibble & 15);
        Self(nibbles)
    }

    /// How many nibbles it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is the root's.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its nibbles, one a byte: they sort as the places do, from the root down and from left to right.
    pub fn nibbles(&self) -> &[u8] {
        &self.0
    }

    /// Whether a path leads through it.
    pub fn contains(&self, path: &Path) -> bool {
        self.0.iter().enumerate().all(|(depth, nibble)| path.nibble(depth) == *nibble)
    }

    /// The first path below it.
    pub fn first(&self) -> Path {
        self.filled(0)
    }

    /// The last path below it.
    pub fn last(&self) -> Path {
        self.filled(15)
    }

    fn filled(&self, with: u8) -> Path {
        let mut bytes = [with << 4 | with; 32];
        for (depth, nibble) in self.0.iter().enumerate() {
            if let Some(byte) = bytes.get_mut(depth / 2) {
                *byte = if depth.is_multiple_of(2) { nibble << 4 | *byte & 15 } else { *byte & 0xf0 | nibble };
            }
        }
        Path::from_bytes(bytes)
    }
}

impl std::fmt::Display for Prefix {
    /// Hexadecimal digits and a star.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|nibble| write!(f, "{nibble:x}"))?;
        f.write_str("*")
    }
}
