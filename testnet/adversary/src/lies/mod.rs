//! One lie a file, and what all of them are.

mod bad_batch;
mod bad_stamp;
mod censor;
mod deck;
mod double_vote;
mod equivocate;
mod forge_certificate;
mod forge_new_view;
mod impersonate;
mod invent_prepared;
mod jump;
mod lie_state;
mod memo;
mod mutate;
mod never_propose;
mod omit_prepared;
mod once_per_view;
mod other_scope;
mod own;
mod random;
mod relabel;
mod replay;
mod silence;
mod slow;
mod split_checkpoints;
mod storm;
mod unfair_order;
mod wrong_reply;
mod wrong_reproposals;

use std::sync::Arc;

use tetrarch_chance::Rng;
use tetrarch_types::{Message, Response, Transaction};

use crate::hand::Hand;
use crate::{Lie, Word};

/// What tells one kind of lie. Whatever is not rewritten passes as it is.
pub(crate) trait Teller: Send {
    /// What is said to one recipient instead of this; count each lie with [`Hand::lied`] or [`Hand::lied_as`].
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

impl Lie {
    /// The forms in which it is told, each counted under its own name beside the lie's; none if there is only one way.
    pub const fn forms(self) -> &'static [&'static str] {
        match self {
            Self::Equivocate => &equivocate::FORMS,
            Self::DoubleVote => double_vote::FORMS,
            Self::Silence => &silence::FORMS,
            Self::Replay => replay::FORMS,
            Self::OtherScope => other_scope::FORMS,
            Self::Relabel => &relabel::FORMS,
            Self::Mutate => mutate::FORMS,
            Self::Impersonate => &impersonate::FORMS,
            Self::ForgeCertificate => forge_certificate::FORMS,
            Self::OmitPrepared => omit_prepared::FORMS,
            Self::InventPrepared => invent_prepared::FORMS,
            Self::WrongReproposals => wrong_reproposals::FORMS,
            Self::ForgeNewView => forge_new_view::FORMS,
            Self::Jump => jump::FORMS,
            Self::LieState => lie_state::FORMS,
            Self::SplitCheckpoints => &split_checkpoints::FORMS,
            Self::Storm => &storm::FORMS,
            Self::Censor => censor::FORMS,
            Self::BadBatch => bad_batch::FORMS,
            Self::BadStamp => bad_stamp::FORMS,
            Self::WrongReply => &wrong_reply::FORMS,
            Self::Slow | Self::UnfairOrder | Self::NeverPropose => &[],
        }
    }
}

pub(crate) fn teller(lie: Lie, rng: &mut Rng) -> Box<dyn Teller> {
    match lie {
        Lie::Equivocate => Box::new(equivocate::Equivocate::default()),
        Lie::DoubleVote => Box::new(double_vote::DoubleVote),
        Lie::Silence => Box::new(silence::Silence::draw(rng)),
        Lie::Replay => Box::new(replay::Replay::default()),
        Lie::OtherScope => Box::new(other_scope::OtherScope),
        Lie::Relabel => Box::new(relabel::Relabel),
        Lie::Mutate => Box::new(mutate::Mutate),
        Lie::Impersonate => Box::new(impersonate::Impersonate),
        Lie::ForgeCertificate => Box::new(forge_certificate::ForgeCertificate),
        Lie::OmitPrepared => Box::new(omit_prepared::OmitPrepared::new()),
        Lie::InventPrepared => Box::new(invent_prepared::InventPrepared::new()),
        Lie::WrongReproposals => Box::new(wrong_reproposals::WrongReproposals::new()),
        Lie::ForgeNewView => Box::new(forge_new_view::ForgeNewView::new()),
        Lie::Jump => Box::new(jump::Jump::default()),
        Lie::LieState => Box::new(lie_state::LieState::new()),
        Lie::SplitCheckpoints => Box::new(split_checkpoints::SplitCheckpoints::draw(rng)),
        Lie::Storm => Box::new(storm::Storm::default()),
        Lie::Slow => Box::new(slow::Slow::draw(rng)),
        Lie::Censor => Box::new(censor::Censor::default()),
        Lie::UnfairOrder => Box::new(unfair_order::UnfairOrder::default()),
        Lie::BadBatch => Box::new(bad_batch::BadBatch::new()),
        Lie::BadStamp => Box::new(bad_stamp::BadStamp::new()),
        Lie::NeverPropose => Box::new(never_propose::NeverPropose),
        Lie::WrongReply => Box::new(wrong_reply::WrongReply),
    }
}
