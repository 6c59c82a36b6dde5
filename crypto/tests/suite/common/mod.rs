//! Signatures that an honest signer never makes, crafted from the equations of RFC 8032, section 5.1.

#![allow(unreachable_pub, reason = "a module of every test file that wants it, and each wants another part")]

use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};
use tetrarch_crypto::{Claim, PublicKey, Signature};

/// A secret scalar and the point of small order (0..8, of which 0 is none) that is added to its public point.
#[derive(Clone, Copy, Debug)]
pub struct Secret {
    pub scalar: Scalar,
    pub torsion: usize,
}

impl Secret {
    pub fn new(scalar: u64, torsion: usize) -> Self {
        // Spread over the whole range: small scalars are not what signers have.
        let digest = Sha512::digest(scalar.to_le_bytes());
        Self { scalar: Scalar::from_bytes_mod_order_wide(&digest.into()), torsion }
    }

    /// Nothing but the point of small order.
    pub fn small(torsion: usize) -> Self {
        Self { scalar: Scalar::ZERO, torsion }
    }

    pub fn point(&self) -> EdwardsPoint {
        ED25519_BASEPOINT_POINT * self.scalar + EIGHT_TORSION[self.torsion]
    }

    pub fn encoded(&self) -> [u8; 32] {
        self.point().compress().to_bytes()
    }
}

/// k of RFC 8032: the hash over the bytes as they are given.
pub fn challenge(nonce: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(nonce).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

pub fn claim(key: [u8; 32], nonce: [u8; 32], s: [u8; 32], message: &[u8]) -> Claim {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&nonce);
    signature[32..].copy_from_slice(&s);
    Claim { key: PublicKey::from_bytes(key), message: message.to_vec(), signature: Signature::from_bytes(signature) }
}

/// A signature with S = r + k·a. It always fulfils the cofactored equation; the other one if the small-order parts cancel.
pub fn craft(key: Secret, nonce: Secret, message: &[u8]) -> Claim {
    let k = challenge(&nonce.encoded(), &key.encoded(), message);
    let s = nonce.scalar + k * key.scalar;
    claim(key.encoded(), nonce.encoded(), s.to_bytes(), message)
}

/// The parts of a claim: A, R and S.
pub fn parts(claim: &Claim) -> ([u8; 32], [u8; 32], [u8; 32]) {
    let signature = claim.signature.as_bytes();
    let (nonce, s) = signature.split_at(32);
    (*claim.key.as_bytes(), nonce.try_into().unwrap(), s.try_into().unwrap())
}

/// SB − R − kA, which vanishes for the cofactorless equation and has a small order for the cofactored one. `None` if A or R is
/// no point. S is reduced first.
pub fn residue(claim: &Claim) -> Option<EdwardsPoint> {
    let (key, nonce, s) = parts(claim);
    let k = challenge(&nonce, &key, &claim.message);
    let key = CompressedEdwardsY(key).decompress()?;
    let nonce = CompressedEdwardsY(nonce).decompress()?;
    Some(ED25519_BASEPOINT_POINT * Scalar::from_bytes_mod_order(s) - nonce - key * k)
}

/// 2²⁵⁵ − 19, little-endian.
pub const FIELD_PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// Every encoding that decodes to a point but is not what that point encodes to: y unreduced, or a sign on x = 0.
pub fn non_canonical_encodings() -> Vec<[u8; 32]> {
    let unreduced = (0..19).map(|above| {
        let mut y = FIELD_PRIME;
        y[0] += above;
        y
    });
    let one = [Secret::small(0).encoded(), EIGHT_TORSION[4].compress().to_bytes()];
    let signs = |mut y: [u8; 32]| {
        y[31] &= 0x7f;
        let mut negative = y;
        negative[31] |= 0x80;
        [y, negative]
    };
    let is_second_spelling = |bytes: &[u8; 32]| {
        CompressedEdwardsY(*bytes).decompress().is_some_and(|point| point.compress().as_bytes() != bytes)
    };
    unreduced.chain(one).flat_map(signs).filter(is_second_spelling).collect()
}

/// The eight points of small order and their second spellings.
pub fn small_order_encodings() -> Vec<[u8; 32]> {
    let is_small =
        |bytes: &[u8; 32]| CompressedEdwardsY(*bytes).decompress().is_some_and(|point| point.is_small_order());
    let canonical = EIGHT_TORSION.iter().map(|point| point.compress().to_bytes());
    canonical.chain(non_canonical_encodings().into_iter().filter(is_small)).collect()
}
