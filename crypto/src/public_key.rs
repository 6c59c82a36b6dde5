//! Public keys: their bytes, their check, their form in TLS.

use curve25519_dalek::edwards::CompressedEdwardsY;

use crate::bytes::fixed_bytes;

/// An Ed25519 public key in its wire form (RFC 8032, section 5.1.5), 32 bytes.
///
/// Decoding does not judge it; [`PublicKey::check`] does, and belongs wherever a key is admitted. Written as 64 hexadecimal
/// digits; `Debug` shows the first eight. In binary serde formats it is 32 bytes without a length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

fixed_bytes!(PublicKey, 32);

/// Why a public key must not be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// A point of the curve in a second, unreduced spelling: one key would have two names.
    #[error("the public key is not in its canonical encoding")]
    NotCanonical,
    /// No point of the curve at all.
    #[error("the public key is not a point of the curve")]
    NotOnCurve,
    /// A point of order 1, 2, 4 or 8: anyone can sign for it.
    #[error("the public key has a small order, so that anyone could sign for it")]
    SmallOrder,
    /// A good point plus a small-order one: several such keys answer to one secret.
    #[error("the public key carries a small-order part, so that its owner could have several of them")]
    Torsion,
}

/// What precedes the 32 key bytes in an RFC 8410 SubjectPublicKeyInfo: a sequence of 42 bytes, the algorithm 1.3.101.112
/// without parameters, and a bit string of 33 bytes with no unused bits.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl PublicKey {
    /// Refuses keys that an owner or a stranger could play tricks with.
    ///
    /// # Errors
    /// The first that applies: no point of the curve, a non-canonical encoding, a small order, a small-order part.
    pub fn check(&self) -> Result<(), WeakKey> {
        let point = CompressedEdwardsY(self.0).decompress().ok_or(WeakKey::NotOnCurve)?;
        if point.compress().as_bytes() != &self.0 {
            return Err(WeakKey::NotCanonical);
        }
        if point.is_small_order() {
            return Err(WeakKey::SmallOrder);
        }
        if !point.is_torsion_free() {
            return Err(WeakKey::Torsion);
        }
        Ok(())
    }

    /// The key as a DER SubjectPublicKeyInfo (RFC 8410, section 4), 44 bytes: what a TLS raw public key (RFC 7250) carries.
    pub fn to_spki_der(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), &self.0].concat()
    }

    /// Reads what [`PublicKey::to_spki_der`] writes. `None` for every other sequence of bytes; DER knows one spelling only.
    /// The key itself is not checked.
    pub fn from_spki_der(der: &[u8]) -> Option<PublicKey> {
        let key = der.strip_prefix(SPKI_PREFIX.as_slice())?;
        Some(PublicKey(key.try_into().ok()?))
    }
}
