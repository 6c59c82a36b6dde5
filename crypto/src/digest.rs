//! SHA-256 under a domain tag.

use sha2::{Digest as _, Sha256};

use crate::Domain;
use crate::bytes::fixed_bytes;

/// A SHA-256 digest (FIPS 180-4), 32 bytes.
///
/// Written as 64 hexadecimal digits; `Debug` shows the first eight. In binary serde formats it is 32 bytes without a length.
/// The default is [`Digest::ZERO`].
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

fixed_bytes!(Digest, 32);

impl Digest {
    /// Thirty-two zero bytes: a place holder where there is nothing to name. No known input hashes to it.
    pub const ZERO: Digest = Digest([0; 32]);

    /// Hashes `parts` for one purpose: SHA-256 over the domain's tag and then each part, every one of them behind its length
    /// in bytes as a 64-bit little-endian number.
    ///
    /// The lengths make it unambiguous: other parts, parts cut elsewhere or another domain give other hashed bytes.
    pub fn of(domain: Domain, parts: &[&[u8]]) -> Digest {
        let mut hasher = Sha256::new();
        for part in std::iter::once(domain.tag().as_bytes()).chain(parts.iter().copied()) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Digest(hasher.finalize().into())
    }
}
