//! Exactly once: which of a sender's nonces are executed.

use serde::{Deserialize, Serialize};

use crate::limits::NONCE_WINDOW;

const WORD: u64 = 64;

/// The nonces of one sender (rule R-2): all below a low mark count as executed, and above it a bitmap of [`NONCE_WINDOW`] nonces
/// tells. A nonce beyond the window moves it up; what falls out below can no longer execute.
///
/// The bitmap is kept in whole words, so the mark is a multiple of 64 and the window reaches at least `NONCE_WINDOW - 63` nonces
/// back from the highest one. A sender that counts up by one needs a single word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonceWindow {
    /// The low mark, in words.
    base: u64,
    /// Bit i of word w: nonce (base + w) · 64 + i is executed. The first word is never full, the last never zero.
    words: Vec<u64>,
}

impl NonceWindow {
    /// Whether the nonce is executed, or so old that it can never be.
    pub fn is_spent(&self, nonce: u64) -> bool {
        let Some(word) = (nonce / WORD).checked_sub(self.base) else { return true };
        let bits = usize::try_from(word).ok().and_then(|word| self.words.get(word)).copied().unwrap_or(0);
        bits & bit(nonce) != 0
    }

    /// Marks the nonce as executed. Returns false, and changes nothing, when it was spent already.
    pub fn spend(&mut self, nonce: u64) -> bool {
        if self.is_spent(nonce) {
            return false;
        }
        self.slide_to(nonce / WORD);
        let word = usize::try_from(nonce / WORD - self.base).unwrap_or(usize::MAX);
        if self.words.len() <= word {
            self.words.resize(word.saturating_add(1), 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= bit(nonce);
        }
        self.drop_full_words();
        true
    }

    /// The highest nonce executed, if any is remembered.
    pub fn highest(&self) -> Option<u64> {
        match self.words.last() {
            Some(bits) => {
                let word = self.base + self.words.len() as u64 - 1;
                Some(word * WORD + u64::from(u64::BITS - 1 - bits.leading_zeros()))
            }
            None => self.base.checked_sub(1).map(|word| word * WORD + (WORD - 1)),
        }
    }

    /// The lowest nonce that can still be spent once this one is: those below fall out of the window.
    pub const fn lowest_beside(nonce: u64) -> u64 {
        lowest_word_beside(nonce / WORD) * WORD
    }

    fn slide_to(&mut self, word: u64) {
        let lowest = lowest_word_beside(word);
        if lowest > self.base {
            let fallen = usize::try_from(lowest - self.base).unwrap_or(usize::MAX).min(self.words.len());
            self.words.drain(..fallen);
            self.base = lowest;
        }
    }

    fn drop_full_words(&mut self) {
        let full = self.words.iter().take_while(|bits| **bits == u64::MAX).count();
        self.words.drain(..full);
        self.base += full as u64;
    }
}

const fn lowest_word_beside(word: u64) -> u64 {
    (word + 1).saturating_sub(NONCE_WINDOW / WORD)
}

const fn bit(nonce: u64) -> u64 {
    1 << (nonce % WORD)
}
