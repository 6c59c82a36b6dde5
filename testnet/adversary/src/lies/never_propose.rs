//! As primary, no proposal ever.

use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

pub(super) struct NeverPropose;

impl Teller for NeverPropose {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if own::proposal(&word.message, hand).is_some() {
            hand.lied();
            return Vec::new();
        }
        vec![word]
    }
}
