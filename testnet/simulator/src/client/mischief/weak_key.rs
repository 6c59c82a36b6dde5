//! Keys of small order, for which anybody can sign, and keys with a part of small order, of which one secret has eight.

use tetrarch_types::TransactionBody;

use super::crafted::{Secret, sign};
use super::{Flaw, Hand, Trick};

const SMALL_ORDER: &str = "weak-key-small-order";
const TORSION: &str = "weak-key-torsion";

pub(super) const FORMS: [&str; 2] = [SMALL_ORDER, TORSION];

pub(super) struct WeakKey;

impl Trick for WeakKey {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let form = hand.rng.one_of(FORMS);
        let (of_key, of_nonce) = (hand.rng.between(1, 7) as usize, hand.rng.index(8));
        let key = if form == TORSION { Secret::draw(hand.rng, of_key) } else { Secret::small(of_key) };
        let nonce = if form == TORSION { Secret::draw(hand.rng, of_nonce) } else { Secret::small(of_nonce) };
        let body = TransactionBody { sender: key.public_key(), nonce: hand.rng.below(64), ..hand.body() };
        hand.count(form);
        let to = hand.some();
        hand.send_flawed(to, sign(body, key, nonce, hand.scene.chain), Flaw::WeakKey);
    }
}
