//! Two votes for one number: the true one and another, in either order, or only the other.

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Checkpoint, Commit, Message, Prepare};

use super::Teller;
use crate::Word;
use crate::hand::Hand;
use tetrarch_chance::Rate;

const RATE: Rate = 2_500;

pub(super) struct DoubleVote;

impl Teller for DoubleVote {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Some(other) = other_vote(word.message.as_ref(), hand).filter(|_| hand.rng.chance(RATE)) else {
            return vec![word];
        };
        hand.lied();
        let (other, truth) = (word.instead(other), word);
        match hand.rng.below(3) {
            0 => vec![truth, other],
            1 => vec![other, truth],
            _ => vec![other],
        }
    }
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
