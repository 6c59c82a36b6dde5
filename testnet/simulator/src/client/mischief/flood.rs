//! Many transactions at once: of one sender, more than a pool takes of any, or of many senders, more than it takes at all. Each may go
//! to other replicas, so that pools fill with different ones.

use super::{Account, Hand, Trick};
use crate::rng::Rng;

const ONE_SENDER: &str = "flood-of-one-sender";
const MANY_SENDERS: &str = "flood-of-many-senders";

pub(super) const FORMS: [&str; 2] = [ONE_SENDER, MANY_SENDERS];

pub(super) struct Flood {
    size: u64,
    is_split: bool,
    account: Option<Account>,
}

impl Flood {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        Self { size: rng.one_of([20, 50, 80]), is_split: rng.chance(5_000), account: None }
    }
}

impl Trick for Flood {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let form = hand.rng.one_of(FORMS);
        let mut account = self.account.take().unwrap_or_else(|| hand.throw_away());
        let size = if hand.scene.chain.has_real_signatures() { self.size / 5 } else { self.size };
        for _ in 0..size {
            if form == MANY_SENDERS {
                account = hand.throw_away();
            }
            let transaction = hand.harmless(&mut account);
            let to = if self.is_split { hand.some() } else { hand.everyone() };
            hand.send(to, transaction);
        }
        hand.count(form);
        self.account = Some(account);
    }
}
