//! Nonces far ahead of the sender's last one, up to the very last there is, and far behind it.

use tetrarch_types::limits::NONCE_WINDOW;

use super::{Account, Hand, Trick};

const AHEAD: &str = "nonce-far-ahead";
const LAST: &str = "nonce-last-of-all";
const BEHIND: &str = "nonce-far-behind";

pub(super) const FORMS: [&str; 3] = [AHEAD, LAST, BEHIND];

/// An account of its own: whoever jumps to the end of the numbers has no more of them.
#[derive(Default)]
pub(super) struct FarNonces {
    account: Option<Account>,
}

impl Trick for FarNonces {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let mut account = self.account.take().unwrap_or_else(|| hand.throw_away());
        let (highest, far) = (account.next(), hand.rng.between(NONCE_WINDOW - 64, NONCE_WINDOW * 2));
        let form = hand.rng.one_of([AHEAD, AHEAD, BEHIND, BEHIND, LAST]);
        match form {
            AHEAD => account.skip_to(highest.saturating_add(far)),
            LAST => account.skip_to(u64::MAX - hand.rng.below(3)),
            _ => account.skip_to(highest.saturating_sub(far)),
        }
        for _ in 0..=hand.rng.below(3) {
            let transaction = hand.transaction(&mut account);
            let to = hand.some();
            hand.send(to, transaction);
        }
        hand.count(form);
        account.skip_to(highest.max(account.next()));
        // At the end of the numbers it stays for a while, to see what comes of what lies behind.
        if account.next() < u64::MAX || hand.rng.chance(5_000) {
            self.account = Some(account);
        }
    }
}
