//! One lie a file, and what all of them are.

mod double_vote;
mod equivocate;
mod lie_state;
mod mutate;
mod omit_prepared;
mod replay;
mod silence;
mod wrong_reply;
mod wrong_reproposals;

use std::sync::Arc;

use tetrarch_chance::Rng;
use tetrarch_types::{Message, Response, Transaction};

use crate::hand::Hand;
use crate::{Lie, Word};

/// What tells one kind of lie. Whatever is not rewritten passes as it is.
pub(crate) trait Teller: Send {
    /// What is said to one recipient instead of this; count each lie with [`Hand::lied`].
    fn say(&mut self, word: Word, _hand: &mut Hand<'_>) -> Vec<Word> {
        vec![word]
    }

    /// What is said to a client instead of this response.
    fn answer(&mut self, response: Response, _hand: &mut Hand<'_>) -> Response {
        response
    }

    /// A message that arrived for the liar; whether its node gets to hear it.
    fn hear(&mut self, _message: &Arc<Message>, _hand: &mut Hand<'_>) -> bool {
        true
    }

    /// A transaction that arrived for the liar; whether its node gets to hear of it.
    fn admit(&mut self, _transaction: &Transaction, _hand: &mut Hand<'_>) -> bool {
        true
    }
}

pub(crate) fn teller(lie: Lie, rng: &mut Rng) -> Box<dyn Teller> {
    match lie {
        Lie::Equivocate => Box::new(equivocate::Equivocate::default()),
        Lie::DoubleVote => Box::new(double_vote::DoubleVote),
        Lie::Silence => Box::new(silence::Silence::draw(rng)),
        Lie::WrongReproposals => Box::new(wrong_reproposals::WrongReproposals::default()),
        Lie::OmitPrepared => Box::new(omit_prepared::OmitPrepared::default()),
        Lie::Replay => Box::new(replay::Replay::default()),
        Lie::Mutate => Box::new(mutate::Mutate),
        Lie::WrongReply => Box::new(wrong_reply::WrongReply),
        Lie::LieState => Box::new(lie_state::LieState),
    }
}
