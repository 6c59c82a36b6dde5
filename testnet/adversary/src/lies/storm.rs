//! VIEW-CHANGEs without a reason, for ever higher views, to everyone, by all that lie together.

use std::collections::BTreeSet;
use std::sync::Arc;

use tetrarch_chance::Rate;
use tetrarch_types::{Message, ReplicaId, View, ViewChange};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

/// For the next view.
const NEXT: &str = "storm-next";
/// For a view far above the last one asked for.
const HIGHER: &str = "storm-higher";

pub(super) const FORMS: [&str; 2] = [NEXT, HIGHER];

const RATE: Rate = 300;

/// How far a view may lie above the last one at most.
const FARTHEST: u64 = 1_000;

#[derive(Default)]
pub(super) struct Storm {
    asked: View,
    form: &'static str,
    view_changes: Vec<Arc<Message>>,
    /// Who has not heard it yet.
    untold: BTreeSet<ReplicaId>,
}

impl Storm {
    fn rise(&mut self, hand: &mut Hand<'_>) {
        self.form = hand.rng.one_of(FORMS);
        let now = hand.overheard.view();
        self.asked = match self.form {
            NEXT => now.next(),
            _ => View::new(self.asked.max(now).get().saturating_add(hand.rng.between(1, FARTHEST))),
        };
        let asked = ViewChange { view: self.asked, stable: hand.overheard.stable(), prepared: Vec::new() };
        let signed = hand.sign_as_all(&asked).into_iter();
        self.view_changes = signed.map(|signed| Arc::new(Message::ViewChange(signed))).collect();
        self.untold = hand.membership().ids().filter(|id| *id != hand.id).collect();
    }
}

impl Teller for Storm {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if self.untold.is_empty() && hand.rng.chance(RATE) {
            self.rise(hand);
        }
        let mut said = vec![word];
        if self.untold.remove(&said[0].to) {
            hand.lied_as(self.form);
            let storm: Vec<Word> = self.view_changes.iter().map(|it| said[0].instead(it.clone())).collect();
            said.extend(storm);
        }
        said
    }
}
