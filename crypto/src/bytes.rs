//! What digests, public keys and signatures have in common: a fixed number of bytes, shown as hexadecimal.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserializer, Serializer};

/// Why a text is not the hexadecimal form of a digest, a key or a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseHexError {
    /// The text is too short or too long.
    #[error("expected {expected} hexadecimal digits, but the text is {found} bytes long")]
    Length {
        /// How many digits the type needs: two a byte.
        expected: usize,
        /// How long the text is, in bytes.
        found: usize,
    },
    /// A character is none of `0-9`, `a-f`, `A-F`.
    #[error("{found:?} is not a hexadecimal digit")]
    Digit {
        /// The first such character.
        found: char,
    },
}

/// Reads exactly `2 * N` hexadecimal digits, of either case.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseHexError> {
    if let Some(found) = text.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(ParseHexError::Digit { found });
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseHexError::Length { expected: 2 * N, found: text.len() })?;
    Ok(bytes)
}

/// The first eight hexadecimal digits and an ellipsis: enough to tell values apart in a log.
pub(crate) fn abbreviate(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in bytes.iter().take(4) {
        write!(f, "{byte:02x}")?;
    }
    f.write_str("…")
}

/// Writes a hexadecimal string where people read, else a tuple of `N` bytes without a length.
pub(crate) fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return serializer.serialize_str(&hex::encode(bytes));
    }
    let mut tuple = serializer.serialize_tuple(N)?;
    for byte in bytes {
        tuple.serialize_element(byte)?;
    }
    tuple.end()
}

/// Reads what [`serialize`] writes, and nothing shorter or longer.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(HexVisitor)
    } else {
        deserializer.deserialize_tuple(N, TupleVisitor)
    }
}

struct HexVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for HexVisitor<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string of {} hexadecimal digits", 2 * N)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<[u8; N], E> {
        parse_hex(text).map_err(E::custom)
    }
}

struct TupleVisitor<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for TupleVisitor<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u8; N], A::Error> {
        let mut bytes = [0; N];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self))?;
        }
        Ok(bytes)
    }
}

/// Gives a `struct Name([u8; N])` its constructors, its hexadecimal text form and its serde form.
macro_rules! fixed_bytes {
    ($name:ident, $len:literal) => {
        impl $name {
            /// How many bytes the value has.
            pub const LEN: usize = $len;

            /// The value made of these very bytes; nothing about them is checked.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes, as they stand on the wire.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::bytes::abbreviate(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ParseHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::bytes::parse_hex(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::bytes::serialize(&self.0, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::bytes::deserialize(deserializer).map(Self)
            }
        }
    };
}

pub(crate) use fixed_bytes;
