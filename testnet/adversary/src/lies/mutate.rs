//! Numbers, digests, senders and signatures slightly off, and random bytes where a message has room for them: signed again with the
//! liar's key, or left with a signature that no longer fits.

use tetrarch_chance::{Rate, Rng};
use tetrarch_crypto::Digest;
use tetrarch_types::{
    Checkpoint, Commit, Message, PrePrepare, Prepare, Proposal, ReplicaId, SeqNum, Signable, Signed, View, decode,
    encode, limits,
};

use super::{Teller, random};
use crate::Word;
use crate::hand::Hand;

/// A view off by one, or far.
const VIEW: &str = "mutate-view";
/// A number off by one, or far.
const SEQ: &str = "mutate-seq";
/// A bit of a digest.
const DIGEST: &str = "mutate-digest";
/// Another sender.
const SENDER: &str = "mutate-sender";
/// A bit of the encoding, wherever it falls.
const BIT: &str = "mutate-bit";
/// Random bytes.
const RANDOM: &str = "mutate-random";

pub(super) const FORMS: &[&str] = &[VIEW, SEQ, DIGEST, SENDER, BIT, RANDOM];

const RATE: Rate = 1_000;

pub(super) struct Mutate;

impl Teller for Mutate {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if !hand.rng.chance(RATE) {
            return vec![word];
        }
        let form = hand.rng.one_of([VIEW, SEQ, DIGEST, SENDER, BIT, BIT, RANDOM, RANDOM]);
        let mutated = match form {
            BIT => flipped(&word.message, hand.rng),
            RANDOM => Some(random::message(&word.message, hand)),
            form => shifted(form, &word.message, hand),
        };
        let Some(mutated) = mutated else { return vec![word] };
        hand.lied_as(form);
        let mut said = vec![word.instead(mutated)];
        if hand.rng.chance(5_000) {
            said.push(word);
        }
        said
    }
}

/// One bit of the encoding is another. None if those bytes are no message: the recipient's codec has refused them.
fn flipped(message: &Message, rng: &mut Rng) -> Option<Message> {
    let mut bytes = encode(message);
    let at = rng.index(bytes.len());
    *bytes.get_mut(at)? ^= 1 << rng.below(8);
    decode(&bytes, limits::MAX_BULK_BYTES).ok()
}

fn shifted(form: &'static str, message: &Message, hand: &mut Hand<'_>) -> Option<Message> {
    Some(match message {
        Message::PrePrepare(Proposal { pre_prepare, batch }) => {
            let PrePrepare { view, seq, digest } = pre_prepare.payload;
            let (view, seq, digest) = shift(form, view, seq, digest, hand.rng);
            let pre_prepare = signed(form, PrePrepare { view, seq, digest }, pre_prepare, hand);
            Message::PrePrepare(Proposal { pre_prepare, batch: batch.clone() })
        }
        Message::Prepare(vote) => {
            let Prepare { view, seq, digest } = vote.payload;
            let (view, seq, digest) = shift(form, view, seq, digest, hand.rng);
            Message::Prepare(signed(form, Prepare { view, seq, digest }, vote, hand))
        }
        Message::Commit(vote) => {
            let Commit { view, seq, digest } = vote.payload;
            let (view, seq, digest) = shift(form, view, seq, digest, hand.rng);
            Message::Commit(signed(form, Commit { view, seq, digest }, vote, hand))
        }
        Message::Checkpoint(vote) if form != VIEW => {
            let (_, seq, state_root) = shift(form, View::ZERO, vote.payload.seq, vote.payload.state_root, hand.rng);
            Message::Checkpoint(signed(form, Checkpoint { seq, state_root }, vote, hand))
        }
        _ => return None,
    })
}

/// What the form names is off by one, far away, or a bit different.
fn shift(form: &'static str, view: View, seq: SeqNum, digest: Digest, rng: &mut Rng) -> (View, SeqNum, Digest) {
    match form {
        VIEW => (View::new(off(view.get(), rng)), seq, digest),
        SEQ => (view, SeqNum::new(off(seq.get(), rng)), digest),
        DIGEST => {
            let mut bytes = *digest.as_bytes();
            bytes[rng.index(Digest::LEN)] ^= 1;
            (view, seq, Digest::from_bytes(bytes))
        }
        _ => (view, seq, digest),
    }
}

fn off(number: u64, rng: &mut Rng) -> u64 {
    let far = rng.one_of([1, 1, 1_000_000, u64::MAX / 2]);
    if rng.chance(5_000) { number.saturating_add(far) } else { number.saturating_sub(far) }
}

/// In another replica's name, if that is the form; else signed by the liar, or with the old signature.
fn signed<T: Signable>(form: &'static str, payload: T, old: &Signed<T>, hand: &mut Hand<'_>) -> Signed<T> {
    if form == SENDER {
        let signer = ReplicaId::new(old.signer.get().wrapping_add(1));
        return Signed { signer, ..hand.sign(payload) };
    }
    if hand.rng.chance(2_500) {
        return Signed { payload, signer: old.signer, signature: old.signature };
    }
    hand.sign(payload)
}
