//! The one encoding (rule W-1): postcard, decoded strictly. A value has exactly one accepted encoding, because what was decoded is
//! encoded again and compared: postcard alone would accept overlong varints. Only rows of the own store are spared that ([`decode_own`]).

use postcard::ser_flavors::Flavor;
use serde::{Serialize, de::DeserializeOwned};

/// Why bytes were not accepted as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes do not describe a value of this type.
    #[error("the bytes are not an encoding of the expected type")]
    Malformed,
    /// A value was read, but bytes remain behind it.
    #[error("there are bytes behind the value")]
    TrailingBytes,
    /// A value was read, but its canonical encoding is another one.
    #[error("the encoding is not canonical")]
    NotCanonical,
    /// More bytes than the limit for this kind of input.
    #[error("{actual} bytes are more than the limit of {limit}")]
    TooLarge {
        /// How many bytes there were.
        actual: usize,
        /// How many are allowed.
        limit: usize,
    },
}

/// The canonical encoding of a value.
///
/// The types of this crate hold nothing that postcard cannot encode (no maps of unknown length, no floats), so the empty vector
/// that stands for an encoding error can never decode, verify or match anything.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::serialize_with_flavor(value, Bytes(Vec::with_capacity(USUAL_BYTES))).unwrap_or_default()
}

/// What most certificates fit in as well: keys, digests and signatures come byte by byte, and a buffer that begins empty would move
/// seven times before a certificate is in it.
const USUAL_BYTES: usize = 512;

/// Where an encoding is put together.
struct Bytes(Vec<u8>);

impl Flavor for Bytes {
    type Output = Vec<u8>;

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// Reads a value out of bytes that were encoded here, or that the state's root vouches for: a row of this node's own store. It must fill
/// `bytes` exactly; that they are the canonical ones is not looked at, which would take as long again.
///
/// # Errors
/// [`DecodeError`] when the bytes are malformed or followed by others.
pub fn decode_own<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    match postcard::take_from_bytes::<T>(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(DecodeError::TrailingBytes),
        Err(_) => Err(DecodeError::Malformed),
    }
}

/// Reads a value that must fill `bytes` exactly and canonically.
///
/// # Errors
/// [`DecodeError`] when the bytes are longer than `limit`, malformed, followed by others, or not the canonical encoding.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLarge { actual: bytes.len(), limit });
    }
    let value: T = decode_own(bytes)?;
    if encode(&value) != bytes {
        return Err(DecodeError::NotCanonical);
    }
    Ok(value)
}
