//! Signing keys in memory.

use std::fmt;

use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use crate::{PublicKey, Signature};

/// Whoever can sign: a key in memory, or one that is kept elsewhere.
pub trait Signer {
    /// The key under which the signatures verify.
    fn public_key(&self) -> PublicKey;

    /// Signs the message. What is signed comes from [`Domain::signing_bytes`](crate::Domain::signing_bytes).
    fn sign(&self, message: &[u8]) -> Signature;
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes ({0}); no key was made")]
pub struct NoEntropy(#[from] getrandom::Error);

/// An Ed25519 secret key (RFC 8032). It is wiped from memory on drop, and `Debug` shows its public half only.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Makes a key from the operating system's randomness.
    ///
    /// # Errors
    /// When the operating system gives none.
    pub fn generate() -> Result<Self, NoEntropy> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice())?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// The key that RFC 8032, section 5.1.5, derives from 32 secret bytes. For tests and simulations any bytes will do;
    /// otherwise they must be random.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// The key as an unencrypted DER OneAsymmetricKey (RFC 5958 with RFC 8410, section 7): version 2, with the public key.
    /// TLS libraries take it in this form. The bytes are wiped on drop.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        let public = self.public_key();
        let parts = [PKCS8_SEED_PREFIX.as_slice(), self.0.as_bytes(), &PKCS8_PUBLIC_PREFIX, public.as_bytes()];
        let mut der = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
        parts.iter().for_each(|part| der.extend_from_slice(part));
        der
    }

    pub(crate) fn from_dalek(key: ed25519_dalek::SigningKey) -> Self {
        Self(key)
    }
}

/// A sequence of 81 bytes: version 1 (which is the second), the algorithm 1.3.101.112, and an octet string of 34 bytes that
/// holds an octet string of 32, the seed.
const PKCS8_SEED_PREFIX: [u8; 16] =
    [0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Context tag 1, a bit string of 33 bytes with no unused bits: the public key follows.
const PKCS8_PUBLIC_PREFIX: [u8; 3] = [0x81, 0x21, 0x00];

impl Signer for SigningKey {
    fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public_key", &self.public_key()).finish_non_exhaustive()
    }
}
