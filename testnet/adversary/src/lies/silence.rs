//! Says nothing of some kinds, or nothing at all to some replicas.

use tetrarch_chance::Rng;
use tetrarch_types::{MessageKind, ReplicaId};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

/// Nothing at all to some replicas.
const TO_SOME: &str = "silence-to-some";

/// The kinds, each with the form that is silence about it.
const KINDS: [(MessageKind, &str); 9] = [
    (MessageKind::PrePrepare, "silence-pre-prepare"),
    (MessageKind::Prepare, "silence-prepare"),
    (MessageKind::Commit, "silence-commit"),
    (MessageKind::Checkpoint, "silence-checkpoint"),
    (MessageKind::ViewChange, "silence-view-change"),
    (MessageKind::NewView, "silence-new-view"),
    (MessageKind::Status, "silence-status"),
    (MessageKind::Fetch, "silence-fetch"),
    (MessageKind::Supply, "silence-supply"),
];

pub(super) const FORMS: [&str; KINDS.len() + 1] = {
    let mut forms = [TO_SOME; KINDS.len() + 1];
    let mut kind = 0;
    while kind < KINDS.len() {
        forms[kind] = KINDS[kind].1;
        kind += 1;
    }
    forms
};

pub(super) struct Silence {
    kinds: Vec<(MessageKind, &'static str)>,
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

    /// In which form a word is withheld, if it is.
    fn withholds(&self, to: ReplicaId, kind: MessageKind) -> Option<&'static str> {
        let is_deaf = self.deaf & (1 << (to.get() % 64)) != 0;
        if is_deaf {
            return Some(TO_SOME);
        }
        self.kinds.iter().find(|(withheld, _)| *withheld == kind).map(|(_, form)| *form)
    }
}

impl Teller for Silence {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        match self.withholds(word.to, word.message.kind()) {
            Some(form) => {
                hand.lied_as(form);
                Vec::new()
            }
            None => vec![word],
        }
    }
}
