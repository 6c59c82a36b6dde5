//! Lies to replicas that recover: parts of a state that nobody has, parts that nobody asked for, none at all; and votes of theirs
//! kept quiet.

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Prefix};
use tetrarch_types::{Message, SeqNum, StatePart, StateRow, Supply};

use super::Teller;
use super::deck::Deck;
use crate::Word;
use crate::hand::Hand;

/// Votes of the asker that are not shown to it.
const VOTES_HIDDEN: &str = "lie-state-votes-hidden";
/// No answer.
const SILENT: &str = "lie-state-silent";
/// A state that is said not to be here.
const DENIED: &str = "lie-state-denied";
/// True parts under another checkpoint's number.
const WRONG_HEIGHT: &str = "lie-state-wrong-height";
/// The parts of an earlier checkpoint.
const STALE: &str = "lie-state-stale";
/// The same again and again, and places that nobody asked for.
const ENDLESS: &str = "lie-state-endless";
/// A part that is changed in one place.
const BAD_PART: &str = "lie-state-bad-part";
/// Rows that are none of the state.
const FOREIGN_ROWS: &str = "lie-state-foreign-rows";

pub(super) const FORMS: &[&str] = &[VOTES_HIDDEN, SILENT, DENIED, WRONG_HEIGHT, STALE, ENDLESS, BAD_PART, FOREIGN_ROWS];

/// Parts of the state, with their places.
type Parts = Vec<(Prefix, StatePart)>;

/// What becomes of parts of the state.
const OF_PARTS: &[&str] = &[SILENT, DENIED, WRONG_HEIGHT, STALE, ENDLESS, BAD_PART, FOREIGN_ROWS];

pub(super) struct LieState {
    forms: Deck,
    /// The first parts of each of the last two checkpoints that were asked for.
    earlier: Option<(SeqNum, Parts)>,
    latest: Option<(SeqNum, Parts)>,
}

impl LieState {
    pub(super) fn new() -> Self {
        Self { forms: Deck::new(OF_PARTS), earlier: None, latest: None }
    }

    fn remember(&mut self, checkpoint: SeqNum, parts: &Parts) {
        if self.latest.as_ref().is_none_or(|(held, _)| *held < checkpoint) {
            self.earlier = self.latest.replace((checkpoint, parts.clone()));
        }
    }

    /// One of many ways not to answer.
    fn state(&mut self, checkpoint: SeqNum, parts: &Parts, hand: &mut Hand<'_>) -> Vec<Supply> {
        self.remember(checkpoint, parts);
        let stale = self.earlier.as_ref().filter(|(held, _)| *held < checkpoint).map(|(_, parts)| parts);
        let dealt = self.forms.deal(hand, |form, _| answers(form, checkpoint, parts, stale));
        let Some((form, answers)) = dealt else { return vec![Supply::NoState { checkpoint }] };
        hand.lied_as(form);
        answers
    }
}

/// None without an earlier state, if that is what is needed.
fn answers(form: &'static str, checkpoint: SeqNum, truth: &Parts, stale: Option<&Parts>) -> Option<Vec<Supply>> {
    let mut parts = truth.clone();
    match form {
        SILENT => return Some(Vec::new()),
        DENIED => return Some(vec![Supply::NoState { checkpoint }]),
        WRONG_HEIGHT => return Some(vec![Supply::State { checkpoint: checkpoint.next(), parts }]),
        STALE => parts.clone_from(stale?),
        ENDLESS => {
            let more = parts.iter().map(|(place, part)| (place.child(7), part.clone())).collect();
            return Some(vec![Supply::State { checkpoint, parts: more }, Supply::State { checkpoint, parts }]);
        }
        BAD_PART => parts.iter_mut().for_each(|(_, part)| falsify(part)),
        _ => {
            let row = StateRow { table: "kv.records".to_owned(), key: b"nobody".to_vec(), value: vec![7] };
            parts.iter_mut().for_each(|(_, part)| *part = StatePart::Rows(vec![row.clone()]));
        }
    }
    Some(vec![Supply::State { checkpoint, parts }])
}

impl Teller for LieState {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Message::Supply(signed) = word.message.as_ref() else { return vec![word] };
        let lies = match &signed.payload {
            Supply::State { checkpoint, parts } => self.state(*checkpoint, parts, hand),
            Supply::Held(held) if !held.votes.is_empty() => {
                hand.lied_as(VOTES_HIDDEN);
                let mut quiet = held.clone();
                quiet.votes.clear();
                quiet.view_change = None;
                vec![Supply::Held(quiet)]
            }
            _ => return vec![word],
        };
        lies.into_iter().map(|lie| word.instead(Message::Supply(hand.sign(lie)))).collect()
    }
}

fn falsify(part: &mut StatePart) {
    match part {
        StatePart::Rows(rows) => {
            if let Some(row) = rows.first_mut() {
                row.value.push(0);
            }
        }
        StatePart::Page(page) => page.set(3, Branch::Node(Digest::from_bytes([3; 32]))),
    }
}
