//! As new primary, re-proposals that do not follow from the VIEW-CHANGEs: dropped, exchanged, replaced by the no-op or by an
//! invented digest; everything signed anew.

use std::sync::Arc;

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Message, NewView, PrePrepare, Signed, View};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

/// One wrong NEW-VIEW a view: told to everyone alike, so that it could gather a quorum.
#[derive(Default)]
pub(super) struct WrongReproposals {
    told: Option<(View, Arc<Message>)>,
}

impl Teller for WrongReproposals {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Message::NewView(signed) = word.message.as_ref() else { return vec![word] };
        if signed.signer != hand.id {
            return vec![word];
        }
        if let Some((view, told)) = &self.told
            && *view == signed.payload.view
        {
            return vec![Word { message: told.clone(), ..word }];
        }
        let Some(wrong) = wrong(&signed.payload, hand) else { return vec![word] };
        hand.lied();
        let told = Arc::new(Message::NewView(hand.sign(wrong)));
        self.told = Some((signed.payload.view, told.clone()));
        vec![Word { message: told, ..word }]
    }
}

/// None if there is nothing to get wrong.
fn wrong(new_view: &NewView, hand: &mut Hand<'_>) -> Option<NewView> {
    let mut wrong = new_view.clone();
    // The last ones are those that not everyone has executed.
    let count = wrong.proposals.len();
    let which = hand.rng.index(count).max(hand.rng.index(count));
    let PrePrepare { view, seq, digest } = wrong.proposals.get(which)?.payload;
    let noop = Batch::noop().digest();
    match hand.rng.below(5) {
        0 => {
            wrong.proposals.truncate(which);
        }
        1 => {
            wrong.proposals.rotate_left(1);
            renumber(&mut wrong, hand);
        }
        2 => {
            let invented = Digest::from_bytes([hand.rng.below(256) as u8; Digest::LEN]);
            replace(&mut wrong.proposals, which, hand.sign(PrePrepare { view, seq, digest: invented }));
        }
        _ if digest != noop => {
            replace(&mut wrong.proposals, which, hand.sign(PrePrepare { view, seq, digest: noop }));
        }
        _ => {
            wrong.proposals.remove(which);
        }
    }
    (wrong.proposals != new_view.proposals).then_some(wrong)
}

fn replace(proposals: &mut [Signed<PrePrepare>], which: usize, by: Signed<PrePrepare>) {
    if let Some(place) = proposals.get_mut(which) {
        *place = by;
    }
}

/// Gives the re-proposals their numbers again, in order, and signs them.
fn renumber(new_view: &mut NewView, hand: &Hand<'_>) {
    let Some(first) = new_view.proposals.iter().map(|it| it.payload.seq).min() else { return };
    for (count, proposal) in (0_u64..).zip(&mut new_view.proposals) {
        *proposal = hand.sign(PrePrepare { seq: first.plus(count), ..proposal.payload });
    }
}
