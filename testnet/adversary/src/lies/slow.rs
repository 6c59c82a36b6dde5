//! As primary, proposals just before the backups would give up.

use std::time::Duration;

use tetrarch_chance::{Rng, micros};

use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

/// Percent of the timeout that it takes its time.
const LEAST: u64 = 60;
/// What is left is for the votes.
const MOST: u64 = 90;

pub(super) struct Slow {
    percent: u64,
}

impl Slow {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        Self { percent: rng.between(LEAST, MOST) }
    }
}

impl Teller for Slow {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if own::proposal(&word.message, hand).is_none() {
            return vec![word];
        }
        hand.lied();
        let delay = Duration::from_micros(micros(hand.setting.timeout).saturating_mul(self.percent) / 100);
        vec![Word { after: word.after.saturating_add(delay), ..word }]
    }
}
