//! Words signed with the same key for another chain, or for another epoch of this one: a vote of another batch comes before the true
//! one and would take its place.

use tetrarch_chance::Rate;
use tetrarch_crypto::{Digest, Domain, Scope};
use tetrarch_types::{Checkpoint, Commit, Message, PrePrepare, Prepare, Proposal};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

/// For a chain with another start.
const CHAIN: &str = "other-scope-chain";
/// For the next epoch.
const EPOCH: &str = "other-scope-epoch";

pub(super) const FORMS: &[&str] = &[CHAIN, EPOCH];

const RATE: Rate = 2_000;

pub(super) struct OtherScope;

impl Teller for OtherScope {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if word.message.signer() != hand.id || !hand.rng.chance(RATE) {
            return vec![word];
        }
        let here = *hand.membership().scope();
        let other = Scope { genesis: Digest::of(Domain::Genesis, &[here.genesis.as_bytes()]), ..here };
        let next = Scope { epoch: here.epoch.wrapping_add(1), ..here };
        let (form, scope) = hand.rng.one_of([(CHAIN, other), (EPOCH, next)]);
        let elsewhere = signed_in(&scope, &word.message, hand);
        hand.lied_as(form);
        vec![word.instead(elsewhere), word]
    }
}

/// The same for another scope; votes are for another batch or state there, as on another chain they would be.
fn signed_in(scope: &Scope, message: &Message, hand: &mut Hand<'_>) -> Message {
    let digest = hand.digest();
    match message {
        Message::PrePrepare(Proposal { pre_prepare, batch }) => {
            let mut batch = batch.clone();
            batch.timestamp = batch.timestamp.next();
            let assignment = PrePrepare { digest: batch.digest(), ..pre_prepare.payload };
            Message::PrePrepare(Proposal { pre_prepare: hand.sign_in(assignment, scope), batch })
        }
        Message::Prepare(it) => Message::Prepare(hand.sign_in(Prepare { digest, ..it.payload }, scope)),
        Message::Commit(it) => Message::Commit(hand.sign_in(Commit { digest, ..it.payload }, scope)),
        Message::Checkpoint(it) => {
            Message::Checkpoint(hand.sign_in(Checkpoint { state_root: digest, ..it.payload }, scope))
        }
        Message::ViewChange(it) => Message::ViewChange(hand.sign_in(it.payload.clone(), scope)),
        Message::NewView(it) => Message::NewView(hand.sign_in(it.payload.clone(), scope)),
        Message::Status(it) => Message::Status(hand.sign_in(it.payload, scope)),
        Message::Fetch(it) => Message::Fetch(hand.sign_in(it.payload.clone(), scope)),
        Message::Supply(it) => Message::Supply(hand.sign_in(it.payload.clone(), scope)),
    }
}
