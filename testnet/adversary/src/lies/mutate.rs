//! Numbers, digests and signatures slightly off: signed again with the liar's key, or left with a signature that no longer fits.

use tetrarch_crypto::Digest;
use tetrarch_types::{
    Checkpoint, Commit, Message, PrePrepare, Prepare, Proposal, ReplicaId, SeqNum, Signable, Signed, View, decode,
    encode, limits,
};

use super::Teller;
use crate::Word;
use crate::hand::Hand;
use tetrarch_chance::{Rate, Rng};

const RATE: Rate = 1_000;

pub(super) struct Mutate;

impl Teller for Mutate {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if !hand.rng.chance(RATE) {
            return vec![word];
        }
        let mutated =
            if hand.rng.chance(3_000) { flipped(&word.message, hand.rng) } else { shifted(&word.message, hand) };
        let Some(mutated) = mutated else { return vec![word] };
        hand.lied();
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

fn shifted(message: &Message, hand: &mut Hand<'_>) -> Option<Message> {
    Some(match message {
        Message::PrePrepare(Proposal { pre_prepare, batch }) => {
            let PrePrepare { view, seq, digest } = pre_prepare.payload;
            let (view, seq, digest) = shift(view, seq, digest, hand.rng);
            let pre_prepare = signed(PrePrepare { view, seq, digest }, pre_prepare, hand);
            Message::PrePrepare(Proposal { pre_prepare, batch: batch.clone() })
        }
        Message::Prepare(vote) => {
            let Prepare { view, seq, digest } = vote.payload;
            let (view, seq, digest) = shift(view, seq, digest, hand.rng);
            Message::Prepare(signed(Prepare { view, seq, digest }, vote, hand))
        }
        Message::Commit(vote) => {
            let Commit { view, seq, digest } = vote.payload;
            let (view, seq, digest) = shift(view, seq, digest, hand.rng);
            Message::Commit(signed(Commit { view, seq, digest }, vote, hand))
        }
        Message::Checkpoint(vote) => {
            let (_, seq, state_root) = shift(View::ZERO, vote.payload.seq, vote.payload.state_root, hand.rng);
            Message::Checkpoint(signed(Checkpoint { seq, state_root }, vote, hand))
        }
        _ => return None,
    })
}

/// One of the three is off by one, far away, or a bit different.
fn shift(view: View, seq: SeqNum, digest: Digest, rng: &mut Rng) -> (View, SeqNum, Digest) {
    let far = rng.one_of([1, 1, 1_000_000, u64::MAX / 2]);
    match rng.below(5) {
        0 => (View::new(view.get().saturating_add(far)), seq, digest),
        1 => (View::new(view.get().saturating_sub(far)), seq, digest),
        2 => (view, seq.plus(far), digest),
        3 => (view, SeqNum::new(seq.get().saturating_sub(far)), digest),
        _ => {
            let mut bytes = *digest.as_bytes();
            bytes[rng.index(Digest::LEN)] ^= 1;
            (view, seq, Digest::from_bytes(bytes))
        }
    }
}

/// Signed by the liar; or with the old signature; or in another replica's name.
fn signed<T: Signable>(payload: T, old: &Signed<T>, hand: &mut Hand<'_>) -> Signed<T> {
    match hand.rng.below(4) {
        0 => Signed { payload, signer: old.signer, signature: old.signature },
        1 => {
            let by_liar = hand.sign(payload);
            Signed { signer: ReplicaId::new(old.signer.get().wrapping_add(1)), ..by_liar }
        }
        _ => hand.sign(payload),
    }
}
