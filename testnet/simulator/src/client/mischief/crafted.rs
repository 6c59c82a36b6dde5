//! Signatures that an honest signer never makes, from the equations of RFC 8032, section 5.1.

use std::rc::Rc;

use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};
use tetrarch_crypto::{PublicKey, Signature};
use tetrarch_types::{Transaction, TransactionBody};

use crate::chain::Chain;
use crate::rng::Rng;

/// A secret, and the point of small order (below 8, of which 0 is none) that is added to its public point.
#[derive(Clone, Copy)]
pub(super) struct Secret {
    scalar: Scalar,
    torsion: usize,
}

impl Secret {
    pub(super) fn draw(rng: &mut Rng, torsion: usize) -> Self {
        let digest = Sha512::digest(rng.draw().to_be_bytes());
        Self { scalar: Scalar::from_bytes_mod_order_wide(&digest.into()), torsion }
    }

    /// Nothing but the point of small order: no secret at all.
    pub(super) const fn small(torsion: usize) -> Self {
        Self { scalar: Scalar::ZERO, torsion }
    }

    fn point(&self) -> EdwardsPoint {
        ED25519_BASEPOINT_POINT * self.scalar + EIGHT_TORSION[self.torsion % EIGHT_TORSION.len()]
    }

    fn encoded(&self) -> [u8; 32] {
        self.point().compress().to_bytes()
    }

    pub(super) fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.encoded())
    }
}

/// Signs with S = r + k·a, which fulfils the equation with the factor 8, whatever small order the points have a part of.
pub(super) fn sign(body: TransactionBody, key: Secret, nonce: Secret, chain: &Chain) -> Rc<Transaction> {
    let unsigned = Transaction { body, signature: Signature::from_bytes([0; Signature::LEN]) };
    let message = unsigned.claim(chain.scope()).message;
    let hash = Sha512::new().chain_update(nonce.encoded()).chain_update(key.encoded()).chain_update(message).finalize();
    let s = nonce.scalar + Scalar::from_bytes_mod_order_wide(&hash.into()) * key.scalar;
    let mut signature = [0; Signature::LEN];
    signature[..32].copy_from_slice(&nonce.encoded());
    signature[32..].copy_from_slice(&s.to_bytes());
    Rc::new(Transaction { signature: Signature::from_bytes(signature), ..unsigned })
}
