//! As primary, stamps that are not the time: back, at the very start, an hour and ages ahead, and as far ahead as backups just accept.

use std::time::Duration;

use tetrarch_chance::Rate;
use tetrarch_types::{Batch, SeqNum, Timestamp, View};

use super::deck::Deck;
use super::memo::Memo;
use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

/// Earlier than the batch before.
const BACKWARD: &str = "bad-stamp-backward";
/// The start of all time.
const ZERO: &str = "bad-stamp-zero";
/// An hour ahead.
const FUTURE: &str = "bad-stamp-future";
/// The end of all time.
const LAST: &str = "bad-stamp-last";
/// Nearly as far ahead as backups accept: the agreed time runs away, and whoever is primary next has to follow it.
const EDGE: &str = "bad-stamp-edge";

pub(super) const FORMS: &[&str] = &[BACKWARD, ZERO, FUTURE, LAST, EDGE];

const RATE: Rate = 3_500;

pub(super) struct BadStamp {
    forms: Deck,
    told: Memo<(View, SeqNum), Option<(&'static str, Timestamp)>>,
}

impl BadStamp {
    pub(super) fn new() -> Self {
        Self { forms: Deck::new(FORMS), told: Memo::default() }
    }
}

impl Teller for BadStamp {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Some(proposal) = own::proposal(&word.message, hand) else { return vec![word] };
        let place = own::place(proposal);
        let truth = proposal.batch.timestamp;
        let forms = &mut self.forms;
        let told = self.told.of(place, || {
            let lies = hand.rng.chance(RATE);
            lies.then(|| forms.deal(hand, |form, hand| Some(wrong(form, truth, hand)))).flatten()
        });
        let Some((form, timestamp)) = *told else { return vec![word] };
        hand.lied_as(form);
        let batch = Batch { timestamp, ..proposal.batch.clone() };
        own::push(place, batch, hand).into_iter().map(|message| word.instead(message)).collect()
    }
}

fn wrong(form: &'static str, truth: Timestamp, hand: &Hand<'_>) -> Timestamp {
    match form {
        BACKWARD => Timestamp::from_micros(truth.as_micros().saturating_sub(1_000_000)),
        ZERO => Timestamp::ZERO,
        FUTURE => truth.plus(Duration::from_secs(3_600)),
        LAST => Timestamp::from_micros(u64::MAX),
        _ => truth.plus(hand.setting.clock_bound / 10 * 9),
    }
}
