//! One lie a view, told to everyone alike, so that it could gather a quorum.

use std::sync::Arc;

use tetrarch_types::{Message, View};

use super::deck::Deck;
use super::memo::Memo;
use crate::hand::Hand;

/// What is told in each view, each time in the next form; none in a view in which no form could be told.
pub(super) struct OncePerView {
    forms: Deck,
    told: Memo<View, Option<Arc<Message>>>,
}

impl OncePerView {
    pub(super) fn new(forms: &'static [&'static str]) -> Self {
        Self { forms: Deck::new(forms), told: Memo::default() }
    }

    /// The lie of a view, counted when it is made. `tell` makes it in a form, if it can be told in that form here.
    pub(super) fn lie(
        &mut self,
        view: View,
        hand: &mut Hand<'_>,
        tell: impl FnMut(&'static str, &mut Hand<'_>) -> Option<Message>,
    ) -> Option<Arc<Message>> {
        let Self { forms, told } = self;
        let lie = told.of(view, || {
            let (form, message) = forms.deal(hand, tell)?;
            hand.lied_as(form);
            Some(Arc::new(message))
        });
        lie.clone()
    }
}
