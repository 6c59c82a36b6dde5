//! Votes that must not be: two for one number, only the wrong one, one several times, a PREPARE of the primary beside its
//! PRE-PREPARE, and the same vote in another view.

use tetrarch_chance::Rate;
use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Checkpoint, Commit, Message, Prepare, View};

use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

/// The true vote and another, in either order.
const BOTH: &str = "double-vote-both";
/// Only the other one.
const OTHER: &str = "double-vote-other";
/// The true vote, as often as a quorum has members.
const REPEATED: &str = "double-vote-repeated";
/// A PREPARE by the primary, who has none.
const BY_PRIMARY: &str = "double-vote-by-primary";
/// The true vote, and the same one in the views around.
const OTHER_VIEW: &str = "double-vote-other-view";

pub(super) const FORMS: &[&str] = &[BOTH, OTHER, REPEATED, BY_PRIMARY, OTHER_VIEW];

const RATE: Rate = 2_500;

pub(super) struct DoubleVote;

impl Teller for DoubleVote {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if !hand.rng.chance(RATE) {
            return vec![word];
        }
        if let Some(proposal) = own::proposal(&word.message, hand) {
            let (view, seq) = own::place(proposal);
            let digest = proposal.pre_prepare.payload.digest;
            hand.lied_as(BY_PRIMARY);
            let prepare = word.instead(Message::Prepare(hand.sign(Prepare { view, seq, digest })));
            return vec![word, prepare];
        }
        let Some(other) = other_vote(&word.message, hand) else { return vec![word] };
        let other = word.instead(other);
        match hand.rng.below(5) {
            0 => told(BOTH, vec![word, other], hand),
            1 => told(BOTH, vec![other, word], hand),
            2 => told(OTHER, vec![other], hand),
            3 => told(REPEATED, vec![word; hand.membership().quorum()], hand),
            _ => elsewhere(word, hand),
        }
    }
}

fn told(form: &'static str, words: Vec<Word>, hand: &mut Hand<'_>) -> Vec<Word> {
    hand.lied_as(form);
    words
}

fn other_vote(message: &Message, hand: &mut Hand<'_>) -> Option<Message> {
    let digest = if hand.rng.chance(5_000) { Batch::noop().digest() } else { Digest::from_bytes([7; Digest::LEN]) };
    match message {
        Message::Prepare(vote) => Some(Message::Prepare(hand.sign(Prepare { digest, ..vote.payload }))),
        Message::Commit(vote) => Some(Message::Commit(hand.sign(Commit { digest, ..vote.payload }))),
        Message::Checkpoint(vote) => {
            Some(Message::Checkpoint(hand.sign(Checkpoint { state_root: digest, ..vote.payload })))
        }
        _ => None,
    }
}

/// The vote in the view before, as it is, and in the view behind.
fn elsewhere(word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
    let in_view = |view: View| match word.message.as_ref() {
        Message::Prepare(vote) => Some(Message::Prepare(hand.sign(Prepare { view, ..vote.payload }))),
        Message::Commit(vote) => Some(Message::Commit(hand.sign(Commit { view, ..vote.payload }))),
        _ => None,
    };
    let view = match word.message.as_ref() {
        Message::Prepare(vote) => vote.payload.view,
        Message::Commit(vote) => vote.payload.view,
        _ => return vec![word],
    };
    let before = view.get().checked_sub(1).map(View::new).and_then(in_view).map(|message| word.instead(message));
    let behind = in_view(view.next()).map(|message| word.instead(message));
    told(OTHER_VIEW, before.into_iter().chain([word.clone()]).chain(behind).collect(), hand)
}
