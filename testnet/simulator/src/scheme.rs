//! How messages are signed: as in production, or at no cost, with a keyed hash that everybody *could* forge and nobody here does.
//!
//! Bulk runs use the hash instead of Ed25519. It keeps what the protocol relies on: one signature fits one key and one message
//! only. It is no secret, so an adversary's code signs with the keys that it was handed, and with no others.

use tetrarch_crypto::{Claim, PublicKey, Signature, SignatureScheme, Signer, WeakKey};

use crate::rng::split_mix;

/// How messages are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// With a keyed hash: fast.
    Fake,
    /// With Ed25519, as in production.
    Real,
}

/// Accepts what [`FakeSigner`] signs.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeScheme;

/// Signs with a keyed hash.
#[derive(Clone, Copy, Debug)]
pub struct FakeSigner(PublicKey);

impl FakeSigner {
    /// The signer whose public key is made of these bytes.
    pub const fn from_seed(seed: [u8; 32]) -> Self {
        Self(PublicKey::from_bytes(seed))
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
    let lanes = absorb(absorb([0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344], key.as_bytes()), message);
    let mut state = lanes[0] ^ lanes[1].rotate_left(32) ^ (message.len() as u64);
    let mut bytes = [0; Signature::LEN];
    for (index, word) in bytes.chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&(split_mix(&mut state) ^ lanes[index % 2]).to_le_bytes());
    }
    Signature::from_bytes(bytes)
}

fn absorb(lanes: [u64; 2], bytes: &[u8]) -> [u64; 2] {
    let [mut one, mut two] = lanes;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        one = (one ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25).rotate_left(29);
        two = two.wrapping_add(word).rotate_left(41).wrapping_mul(0xd6e8_feb8_6659_fd93);
        two ^= one >> 31;
    }
    [one, two]
}
