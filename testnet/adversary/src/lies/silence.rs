//! Says nothing of some kinds, or nothing at all to some replicas.

use tetrarch_chance::Rng;
use tetrarch_types::{MessageKind, ReplicaId};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

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

/// Nothing at all to some replicas.
const TO_SOME: &str = "silence-to-some";

pub(super) const FORMS: &[&str] = &[
    of(MessageKind::PrePrepare),
    of(MessageKind::Prepare),
    of(MessageKind::Commit),
    of(MessageKind::Checkpoint),
    of(MessageKind::ViewChange),
    of(MessageKind::NewView),
    of(MessageKind::Status),
    of(MessageKind::Fetch),
    of(MessageKind::Supply),
    TO_SOME,
];

/// The form that is silence about a kind.
const fn of(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::PrePrepare => "silence-pre-prepare",
        MessageKind::Prepare => "silence-prepare",
        MessageKind::Commit => "silence-commit",
        MessageKind::Checkpoint => "silence-checkpoint",
        MessageKind::ViewChange => "silence-view-change",
        MessageKind::NewView => "silence-new-view",
        MessageKind::Status => "silence-status",
        MessageKind::Fetch => "silence-fetch",
        MessageKind::Supply => "silence-supply",
    }
}

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

    /// In which form a word is withheld, if it is.
    fn withholds(&self, to: ReplicaId, kind: MessageKind) -> Option<&'static str> {
        let is_deaf = self.deaf & (1 << (to.get() % 64)) != 0;
        if is_deaf { Some(TO_SOME) } else { self.kinds.contains(&kind).then_some(of(kind)) }
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
