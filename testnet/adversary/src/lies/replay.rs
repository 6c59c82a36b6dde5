//! Old messages again, its own and those it received, to anyone at any time: of this view, and of views that are over.

use std::collections::VecDeque;
use std::sync::Arc;

use tetrarch_chance::Rate;
use tetrarch_types::{Message, View};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

/// Of the view that is.
const AGAIN: &str = "replay-again";
/// Of a view that is over.
const OLDER_VIEW: &str = "replay-older-view";

pub(super) const FORMS: &[&str] = &[AGAIN, OLDER_VIEW];

const REMEMBERED: usize = 256;
const RATE: Rate = 1_500;

#[derive(Default)]
pub(super) struct Replay {
    past: VecDeque<Arc<Message>>,
    /// What was said in views that are over.
    over: VecDeque<Arc<Message>>,
    view: View,
}

impl Replay {
    fn remember(&mut self, message: &Arc<Message>, now: View) {
        if now > self.view {
            self.view = now;
            let past = std::mem::take(&mut self.past);
            let (over, past) = past.into_iter().partition(|held| is_over(held, now));
            self.past = past;
            self.over.extend::<VecDeque<_>>(over);
        }
        let kept = if is_over(message, now) { &mut self.over } else { &mut self.past };
        kept.push_back(message.clone());
        for kept in [&mut self.past, &mut self.over] {
            kept.drain(..kept.len().saturating_sub(REMEMBERED));
        }
    }
}

impl Teller for Replay {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        self.remember(&word.message, hand.overheard.view());
        let mut said = vec![word];
        if hand.rng.chance(RATE) {
            let (form, kept) = hand.rng.one_of([(AGAIN, &self.past), (OLDER_VIEW, &self.over)]);
            if let Some(old) = kept.get(hand.rng.index(kept.len())) {
                hand.lied_as(form);
                said.push(said[0].instead(old.clone()));
            }
        }
        said
    }

    fn hear(&mut self, message: &Arc<Message>, hand: &mut Hand<'_>) -> bool {
        self.remember(message, hand.overheard.view());
        true
    }
}

fn is_over(message: &Message, now: View) -> bool {
    let view = match message {
        Message::PrePrepare(proposal) => proposal.pre_prepare.payload.view,
        Message::Prepare(signed) => signed.payload.view,
        Message::Commit(signed) => signed.payload.view,
        Message::ViewChange(signed) => signed.payload.view,
        Message::NewView(signed) => signed.payload.view,
        Message::Status(signed) => signed.payload.view,
        Message::Checkpoint(_) | Message::Fetch(_) | Message::Supply(_) => return false,
    };
    view < now
}
