//! Two votes for one number: the true one and another, in either order, or only the other.

use std::rc::Rc;

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Checkpoint, Commit, Message, Prepare, ReplicaId};

use super::{Hand, Teller};
use crate::letter::Letter;
use crate::rng::Rate;

const RATE: Rate = 2_500;

pub(super) struct DoubleVote;

impl Teller for DoubleVote {
    fn say(&mut self, to: ReplicaId, message: Rc<Letter>, hand: &mut Hand<'_>) -> Vec<(ReplicaId, Rc<Letter>)> {
        let Some(other) = other_vote(message.open(), hand).filter(|_| hand.rng.chance(RATE)) else {
            return vec![(to, message)];
        };
        hand.lied();
        let (truth, other) = ((to, message), (to, Letter::new(other)));
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
