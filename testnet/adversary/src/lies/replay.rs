//! Old messages again, its own and those it received, to anyone at any time.

use std::collections::VecDeque;
use std::sync::Arc;

use tetrarch_types::Message;

use super::Teller;
use crate::Word;
use crate::hand::Hand;
use tetrarch_chance::Rate;

const REMEMBERED: usize = 256;
const RATE: Rate = 1_500;

#[derive(Default)]
pub(super) struct Replay {
    past: VecDeque<Arc<Message>>,
}

impl Replay {
    fn remember(&mut self, message: Arc<Message>) {
        self.past.push_back(message);
        if self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
    }
}

impl Teller for Replay {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let message = word.message.clone();
        let mut said = vec![word.clone()];
        if hand.rng.chance(RATE)
            && let Some(old) = self.past.get(hand.rng.index(self.past.len()))
        {
            hand.lied();
            said.push(Word { message: old.clone(), ..word });
        }
        self.remember(message);
        said
    }

    fn hear(&mut self, message: &Arc<Message>, _hand: &mut Hand<'_>) -> bool {
        self.remember(message.clone());
        true
    }
}
