//! As new primary, re-proposals that do not follow from the VIEW-CHANGEs: dropped, exchanged, replaced by the no-op or by an
//! invented digest; everything signed anew.

use std::sync::Arc;

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Message, NewView, PrePrepare, Signed, View};

use super::Teller;
use super::deck::Deck;
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
pub(super) struct WrongReproposals {
    forms: Deck,
    told: Memo<View, Option<Arc<Message>>>,
}

impl WrongReproposals {
    pub(super) fn new() -> Self {
        Self { forms: Deck::new(FORMS), told: Memo::default() }
    }
}

impl Teller for WrongReproposals {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        match word.message.as_ref() {
            Message::NewView(signed) if signed.signer == hand.id => {
                let forms = &mut self.forms;
                let told = self.told.of(signed.payload.view, || lie(&signed.payload, forms, hand));
                vec![Word { message: told.clone().unwrap_or_else(|| word.message.clone()), ..word }]
            }
            _ => vec![word],
        }
    }
}

fn lie(truth: &NewView, forms: &mut Deck, hand: &mut Hand<'_>) -> Option<Arc<Message>> {
    let (form, wrong) = forms.deal(hand, |form, hand| {
        let mut wrong = truth.clone();
        change(form, &mut wrong, hand)?;
        (wrong.proposals != truth.proposals).then_some(wrong)
    })?;
    hand.lied_as(form);
    Some(Arc::new(Message::NewView(hand.sign(wrong))))
}

/// None if there is nothing to get wrong.
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
