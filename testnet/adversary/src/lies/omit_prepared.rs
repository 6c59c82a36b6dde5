//! VIEW-CHANGEs that hide what was prepared: all of it, some of it, or everything behind an older checkpoint.

use std::sync::Arc;

use tetrarch_types::{CheckpointCertificate, Message, View, ViewChange};

use super::Teller;
use super::deck::Deck;
use super::memo::Memo;
use crate::Word;
use crate::hand::Hand;

/// All of it.
const ALL: &str = "omit-prepared-all";
/// About half of it.
const SOME: &str = "omit-prepared-some";
/// All of it, and the checkpoint too.
const CHECKPOINT: &str = "omit-prepared-checkpoint";

pub(super) const FORMS: &[&str] = &[ALL, SOME, CHECKPOINT];

/// One VIEW-CHANGE a view, the same to everyone. None where there was nothing to hide.
pub(super) struct OmitPrepared {
    forms: Deck,
    told: Memo<View, Option<Arc<Message>>>,
}

impl OmitPrepared {
    pub(super) fn new() -> Self {
        Self { forms: Deck::new(FORMS), told: Memo::default() }
    }
}

impl Teller for OmitPrepared {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        match word.message.as_ref() {
            Message::ViewChange(signed) if signed.signer == hand.id => {
                let forms = &mut self.forms;
                let told = self.told.of(signed.payload.view, || lie(&signed.payload, forms, hand));
                vec![Word { message: told.clone().unwrap_or_else(|| word.message.clone()), ..word }]
            }
            _ => vec![word],
        }
    }
}

fn lie(truth: &ViewChange, forms: &mut Deck, hand: &mut Hand<'_>) -> Option<Arc<Message>> {
    let (form, lie) = forms.deal(hand, |form, hand| omitting(form, truth, hand))?;
    hand.lied_as(form);
    Some(Arc::new(Message::ViewChange(hand.sign(lie))))
}

/// None if there is nothing to hide.
fn omitting(form: &'static str, truth: &ViewChange, hand: &mut Hand<'_>) -> Option<ViewChange> {
    let mut lie = truth.clone();
    match form {
        ALL => lie.prepared.clear(),
        SOME => lie.prepared.retain(|_| hand.rng.chance(5_000)),
        _ => {
            lie.prepared.clear();
            lie.stable = CheckpointCertificate::genesis();
        }
    }
    (lie != *truth).then_some(lie)
}
