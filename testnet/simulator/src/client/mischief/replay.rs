//! Others' transactions again: recent ones, which may still be on their way, and old ones, which were executed long ago.

use super::{Hand, Trick};

const RECENT: &str = "replayed-request-recent";
const OLD: &str = "replayed-request-old";

pub(super) const FORMS: [&str; 2] = [RECENT, OLD];

/// How many at a time, at most.
const AT_ONCE: u64 = 8;

pub(super) struct Replay;

impl Trick for Replay {
    fn play(&mut self, hand: &mut Hand<'_>) {
        for _ in 0..=hand.rng.below(AT_ONCE) {
            let form = hand.rng.one_of(FORMS);
            let past = hand.scene.past;
            let found = if form == OLD { past.old(hand.rng) } else { past.recent(hand.rng) };
            if let Some(transaction) = found {
                hand.count(form);
                let to = hand.some();
                hand.send_again(to, transaction);
            }
        }
    }
}
