//! Requests that only one replica gets, or only backups, and that nobody sends again.

use super::{Hand, Trick};

const ONE: &str = "request-to-one";
const BACKUPS: &str = "request-to-backups";

pub(super) const FORMS: [&str; 2] = [ONE, BACKUPS];

pub(super) struct Partial;

impl Trick for Partial {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let form = hand.rng.one_of(FORMS);
        let mut to = hand.everyone();
        to.retain(|replica| *replica != hand.scene.primary);
        if form == ONE {
            to = vec![hand.rng.index(hand.scene.replicas)];
        }
        let body = hand.body();
        let transaction = hand.account.sign(hand.scene.chain, body);
        hand.count(form);
        hand.send(to, transaction);
    }
}
