//! As new primary, re-proposals that do not follow from the VIEW-CHANGEs: dropped, exchanged, replaced by the no-op or by an
//! invented digest; everything signed anew.

use std::sync::Arc;

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Message, NewView, PrePrepare, Signed, View};

use super::Teller;
use super::memo::Memo;
use crate::Word;
use crate::hand::Hand;

/// The last ones left out.
const DROPPED: &str = "wrong-reproposals-dropped";
/// One left out in the middle.
const GAP: &str = "wrong-reproposals-gap";
/// In another order.
const EXCHANGED: &str = "wrong-reproposals-exchanged";
/// A batch that nobody knows.
const INVENTED: &str = "wrong-reproposals-invented";
/// Nothing where something was prepared.
const NO_OP: &str = "wrong-reproposals-no-op";

pub(super) const FORMS: &[&str] = &[DROPPED, GAP, EXCHANGED, INVENTED, NO_OP];

/// One wrong NEW-VIEW a view: told to everyone alike, so that it could gather a quorum.
#[derive(Default)]
pub(super) struct WrongReproposals {
    told: Memo<View, Option<Arc<Message>>>,
}

impl Teller for WrongReproposals {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        match word.message.as_ref() {
            Message::NewView(signed) if signed.signer == hand.id => {
                let told = self.told.of(signed.payload.view, || lie(&signed.payload, hand));
                vec![Word { message: told.clone().unwrap_or_else(|| word.message.clone()), ..word }]
            }
            _ => vec![word],
        }
    }
}

/// None if there is nothing to get wrong.
fn lie(truth: &NewView, hand: &mut Hand<'_>) -> Option<Arc<Message>> {
    // The no-op twice: replicas accept it without a content, so it can do most harm.
    let form = hand.rng.one_of([DROPPED, GAP, EXCHANGED, INVENTED, NO_OP, NO_OP]);
    let mut wrong = truth.clone();
    change(form, &mut wrong, hand)?;
    if wrong.proposals == truth.proposals {
        return None;
    }
    hand.lied_as(form);
    Some(Arc::new(Message::NewView(hand.sign(wrong))))
}

fn change(form: &'static str, wrong: &mut NewView, hand: &mut Hand<'_>) -> Option<()> {
    // The last ones are those that not everyone has executed.
    let count = wrong.proposals.len();
    let which = hand.rng.index(count).max(hand.rng.index(count));
    let PrePrepare { view, seq, .. } = wrong.proposals.get(which)?.payload;
    match form {
        DROPPED => wrong.proposals.truncate(which),
        GAP => {
            wrong.proposals.remove(which);
        }
        EXCHANGED => {
            wrong.proposals.rotate_left(1);
            renumber(wrong, hand);
        }
        form => {
            let invented = hand.invent(seq).digest();
            let digest: Digest = if form == NO_OP { Batch::noop().digest() } else { invented };
            *wrong.proposals.get_mut(which)? = hand.sign(PrePrepare { view, seq, digest });
        }
    }
    Some(())
}

/// Gives the re-proposals their numbers again, in order, and signs them.
fn renumber(new_view: &mut NewView, hand: &Hand<'_>) {
    let Some(first) = new_view.proposals.iter().map(|it: &Signed<PrePrepare>| it.payload.seq).min() else { return };
    for (count, proposal) in (0_u64..).zip(&mut new_view.proposals) {
        *proposal = hand.sign(PrePrepare { seq: first.plus(count), ..proposal.payload });
    }
}
