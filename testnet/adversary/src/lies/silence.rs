//! Says nothing of some kinds, or nothing at all to some replicas.

use tetrarch_types::{Message, MessageKind, ReplicaId};

use super::Teller;
use crate::Word;
use crate::hand::Hand;
use tetrarch_chance::Rng;

const KINDS: [MessageKind; 9] = [
    MessageKind::PrePrepare,
    MessageKind::Prepare,
    MessageKind::Commit,
    MessageKind::Checkpoint,
    MessageKind::ViewChange,
    MessageKind::NewView,
    MessageKind::Status,
    MessageKind::Fetch,
    MessageKind::Supply,
];

pub(super) struct Silence {
    kinds: Vec<MessageKind>,
    /// Bit i of the mask: replica i hears nothing.
    deaf: u64,
}

impl Silence {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let count = rng.one_of([1, 3, KINDS.len()]);
        let deaf = rng.draw() & rng.draw();
        if rng.chance(6_000) {
            Self { kinds: rng.sample(&KINDS, count), deaf: 0 }
        } else {
            Self { kinds: Vec::new(), deaf }
        }
    }

    fn withholds(&self, to: ReplicaId, message: &Message) -> bool {
        self.kinds.contains(&message.kind()) || self.deaf & (1 << (to.get() % 64)) != 0
    }
}

impl Teller for Silence {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if self.withholds(word.to, &word.message) {
            hand.lied();
            return Vec::new();
        }
        vec![word]
    }
}
