//! Old messages again, its own and those it received, to anyone at any time.

use std::collections::VecDeque;
use std::rc::Rc;

use tetrarch_types::ReplicaId;

use super::{Hand, Teller};
use crate::letter::Letter;
use crate::rng::Rate;

const REMEMBERED: usize = 256;
const RATE: Rate = 1_500;

#[derive(Default)]
pub(super) struct Replay {
    past: VecDeque<Rc<Letter>>,
}

impl Replay {
    fn remember(&mut self, message: Rc<Letter>) {
        self.past.push_back(message);
        if self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
    }
}

impl Teller for Replay {
    fn say(&mut self, to: ReplicaId, message: Rc<Letter>, hand: &mut Hand<'_>) -> Vec<(ReplicaId, Rc<Letter>)> {
        let mut said = vec![(to, message.clone())];
        if hand.rng.chance(RATE)
            && let Some(old) = self.past.get(hand.rng.index(self.past.len()))
        {
            hand.lied();
            said.push((to, old.clone()));
        }
        self.remember(message);
        said
    }

    fn hear(&mut self, message: &Rc<Letter>) {
        self.remember(message.clone());
    }
}
