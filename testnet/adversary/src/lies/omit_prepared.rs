//! VIEW-CHANGEs that hide what was prepared: all of it, some of it, or everything behind an older checkpoint.

use tetrarch_types::{CheckpointCertificate, Message, ViewChange};

use super::once_per_view::OncePerView;
use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

/// All of it.
const ALL: &str = "omit-prepared-all";
/// About half of it.
const SOME: &str = "omit-prepared-some";
/// All of it, and the checkpoint too.
const CHECKPOINT: &str = "omit-prepared-checkpoint";

pub(super) const FORMS: &[&str] = &[ALL, SOME, CHECKPOINT];

/// None in a view where there was nothing to hide.
pub(super) struct OmitPrepared(OncePerView);

impl OmitPrepared {
    pub(super) fn new() -> Self {
        Self(OncePerView::new(FORMS))
    }
}

impl Teller for OmitPrepared {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Some(truth) = own::view_change(&word.message, hand) else { return vec![word] };
        let lie = self.0.lie(truth.view, hand, |form, hand| omitting(form, truth, hand));
        vec![word.or(lie)]
    }
}

/// None if there is nothing to hide.
fn omitting(form: &'static str, truth: &ViewChange, hand: &mut Hand<'_>) -> Option<Message> {
    let mut lie = truth.clone();
    match form {
        ALL => lie.prepared.clear(),
        SOME => lie.prepared.retain(|_| hand.rng.chance(5_000)),
        _ => {
            lie.prepared.clear();
            lie.stable = CheckpointCertificate::genesis();
        }
    }
    (lie != *truth).then(|| Message::ViewChange(hand.sign(lie)))
}
