//! The forms of a lie, dealt like cards: each comes once, in random order, before any comes again.

use crate::hand::Hand;

/// What is left of the forms, and all of them.
pub(super) struct Deck {
    all: &'static [&'static str],
    left: Vec<&'static str>,
}

impl Deck {
    pub(super) const fn new(all: &'static [&'static str]) -> Self {
        Self { all, left: Vec::new() }
    }

    /// The next form that can be told, with what is told: a form that cannot be told yet keeps its turn. None if there is none.
    pub(super) fn deal<T>(
        &mut self,
        hand: &mut Hand<'_>,
        mut tell: impl FnMut(&'static str, &mut Hand<'_>) -> Option<T>,
    ) -> Option<(&'static str, T)> {
        for _ in 0..2 {
            let shuffled = hand.rng.sample(&self.left, self.left.len());
            let told = shuffled.into_iter().find_map(|form| Some((form, tell(form, hand)?)));
            if let Some((form, _)) = told {
                self.left.retain(|left| *left != form);
                return told;
            }
            self.left = self.all.to_vec();
        }
        None
    }
}
