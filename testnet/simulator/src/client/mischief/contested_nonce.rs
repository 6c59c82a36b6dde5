//! An honest client's key in other hands as well: transactions with nonces that it waits for, or takes next. It must be told the truth
//! about its own (rule R-6).

use super::{Account, Hand, Trick};

const CONTESTED: &str = "contested-nonce-pending";
const ANTICIPATED: &str = "contested-nonce-next";

pub(super) const FORMS: [&str; 2] = [CONTESTED, ANTICIPATED];

pub(super) struct ContestedNonce;

impl Trick for ContestedNonce {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let which = hand.rng.index(hand.scene.victims.len());
        let Some(victim) = hand.scene.victims.get(which) else { return };
        let pending = hand.rng.pick(&victim.pending).filter(|_| hand.rng.chance(5_000));
        let form = if pending.is_some() { CONTESTED } else { ANTICIPATED };
        let nonce = pending.unwrap_or_else(|| victim.next + hand.rng.below(3));
        let mut account = Account::of(victim.signer.clone(), nonce);
        let transaction = hand.transaction(&mut account);
        hand.count(form);
        let to = hand.some();
        hand.send(to, transaction);
    }
}
