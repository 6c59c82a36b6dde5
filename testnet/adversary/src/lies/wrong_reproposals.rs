//! As new primary, re-proposals that do not follow from the VIEW-CHANGEs: dropped, exchanged, replaced by the no-op or by an
//! invented digest; everything signed anew.

use tetrarch_types::{Batch, Message, NewView, PrePrepare, Signed};

use super::once_per_view::OncePerView;
use super::{Teller, own};
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

pub(super) struct WrongReproposals(OncePerView);

impl WrongReproposals {
    pub(super) fn new() -> Self {
        Self(OncePerView::new(FORMS))
    }
}

impl Teller for WrongReproposals {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Some(truth) = own::new_view(&word.message, hand) else { return vec![word] };
        let lie = self.0.lie(truth.view, hand, |form, hand| {
            let mut wrong = truth.clone();
            change(form, &mut wrong, hand)?;
            (wrong.proposals != truth.proposals).then(|| Message::NewView(hand.sign(wrong)))
        });
        vec![word.or(lie)]
    }
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
            let batch = if form == NO_OP { Batch::noop() } else { hand.invent(seq) };
            let digest = batch.digest();
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
