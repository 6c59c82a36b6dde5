//! Different transactions with one nonce, each to other replicas: at most one of them may ever be carried out.

use super::{Hand, Trick};

const DOUBLE_NONCE: &str = "double-nonce";

pub(super) const FORMS: [&str; 1] = [DOUBLE_NONCE];

pub(super) struct DoubleNonce;

impl Trick for DoubleNonce {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let nonce = hand.account.next();
        let count = 2 + hand.rng.index(2);
        let mut groups = vec![Vec::new(); count];
        for replica in hand.everyone() {
            groups[hand.rng.index(count)].push(replica);
        }
        for group in groups {
            hand.account.skip_to(nonce);
            let body = hand.body();
            let transaction = hand.account.sign(hand.scene.chain, body);
            hand.send(group, transaction);
        }
        hand.count(DOUBLE_NONCE);
    }
}
