//! Lies to replicas that recover: parts of a state that nobody has, parts that nobody asked for, none at all; and votes of theirs
//! kept quiet.

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Prefix};
use tetrarch_types::{Message, SeqNum, StatePart, StateRow, Supply};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

pub(super) struct LieState;

impl Teller for LieState {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Message::Supply(signed) = word.message.as_ref() else { return vec![word] };
        let lies = match &signed.payload {
            Supply::State { checkpoint, parts } => state(*checkpoint, parts, hand),
            Supply::Held(held) if !held.votes.is_empty() => {
                let mut quiet = held.clone();
                quiet.votes.clear();
                quiet.view_change = None;
                vec![Supply::Held(quiet)]
            }
            _ => return vec![word],
        };
        hand.lied();
        lies.into_iter().map(|lie| word.instead(Message::Supply(hand.sign(lie)))).collect()
    }
}

/// One of many ways not to answer.
fn state(checkpoint: SeqNum, parts: &[(Prefix, StatePart)], hand: &mut Hand<'_>) -> Vec<Supply> {
    let mut parts = parts.to_vec();
    match hand.rng.below(6) {
        0 => return Vec::new(),
        1 => return vec![Supply::NoState { checkpoint }],
        2 => return vec![Supply::State { checkpoint: checkpoint.next(), parts }],
        3 => {
            // Without an end: all of it again and again, and places that nobody asked for.
            let more = parts.iter().map(|(place, part)| (place.child(7), part.clone())).collect();
            return vec![Supply::State { checkpoint, parts: more }, Supply::State { checkpoint, parts }];
        }
        4 => parts.iter_mut().for_each(|(_, part)| falsify(part)),
        _ => {
            let row = StateRow { table: "kv.records".to_owned(), key: b"nobody".to_vec(), value: vec![7] };
            parts.iter_mut().for_each(|(_, part)| *part = StatePart::Rows(vec![row.clone()]));
        }
    }
    vec![Supply::State { checkpoint, parts }]
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
