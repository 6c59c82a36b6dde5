//! Signatures that anybody could forge and nobody here does: a hash over the key and the bytes.

use tetrarch_crypto::{Claim, Digest, Domain, PublicKey, Signature, SignatureScheme, Signer, WeakKey};

/// Signs as the owner of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FakeSigner(PublicKey);

impl FakeSigner {
    pub(crate) const fn new(seed: u8) -> Self {
        Self(PublicKey::from_bytes([seed; 32]))
    }
}

impl Signer for FakeSigner {
    fn public_key(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, message: &[u8]) -> Signature {
        keyed_hash(&self.0, message)
    }
}

/// Accepts what [`FakeSigner`] signs.
pub(crate) struct FakeScheme;

impl SignatureScheme for FakeScheme {
    fn accepts(&self, claim: &Claim) -> bool {
        keyed_hash(&claim.key, &claim.message) == claim.signature
    }

    fn accepts_each(&self, claims: &[Claim]) -> Vec<bool> {
        claims.iter().map(|claim| self.accepts(claim)).collect()
    }

    fn check_key(&self, _key: &PublicKey) -> Result<(), WeakKey> {
        Ok(())
    }
}

fn keyed_hash(key: &PublicKey, message: &[u8]) -> Signature {
    let hash = Digest::of(Domain::Evidence, &[key.as_bytes(), message]);
    let mut bytes = [0; Signature::LEN];
    bytes[..Digest::LEN].copy_from_slice(hash.as_bytes());
    Signature::from_bytes(bytes)
}
