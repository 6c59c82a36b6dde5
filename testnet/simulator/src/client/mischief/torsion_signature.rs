//! An ordinary key, and signatures whose R has a part of small order: implementations differ about them, replicas must not.

use tetrarch_types::TransactionBody;

use super::crafted::{Secret, sign};
use super::{Hand, Trick};

const TORSION_SIGNATURE: &str = "torsion-signature";

pub(super) const FORMS: [&str; 1] = [TORSION_SIGNATURE];

#[derive(Default)]
pub(super) struct TorsionSignature {
    key: Option<Secret>,
    next: u64,
}

impl Trick for TorsionSignature {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let key = *self.key.get_or_insert_with(|| Secret::draw(hand.rng, 0));
        let torsion = hand.rng.between(1, 7) as usize;
        let nonce = Secret::draw(hand.rng, torsion);
        let body = TransactionBody { sender: key.public_key(), nonce: self.next, ..hand.body() };
        self.next += 1;
        hand.count(TORSION_SIGNATURE);
        let to = hand.some();
        hand.send(to, sign(body, key, nonce, hand.scene.chain));
    }
}
