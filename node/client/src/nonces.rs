//! Which nonce comes next. Pure, but for the few random bits that the caller brings.

use tetrarch_types::nth_largest;

/// How far the first nonce may lie above the highest one known, so that processes that share a key rarely meet.
///
/// Small, because the window of remembered nonces is 4096: with wide gaps, a transaction that has to wait through a view change would
/// soon be left behind by those of other processes.
pub(crate) const SPREAD: u64 = 16;

/// A sender's own count of its nonces. Gaps are harmless: the window of remembered nonces slides over them (rule R-2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nonces {
    next: Option<u64>,
}

impl Nonces {
    /// The next nonce, if the count has started.
    pub(crate) fn take(&mut self) -> Option<u64> {
        let nonce = self.next?;
        self.next = Some(nonce.saturating_add(1));
        Some(nonce)
    }

    /// Starts the count, or moves it, above `highest` by 1 to [`SPREAD`]. Never moves it down.
    pub(crate) fn start_above(&mut self, highest: Option<u64>, random: u8) {
        let lowest = highest.map_or(0, |highest| highest.saturating_add(1));
        let start = lowest.saturating_add(u64::from(random) % SPREAD);
        self.next = self.next.max(Some(start));
    }
}

/// What to believe of q or more replicas' words about a sender's highest nonce: the (f + 1)-th largest. At most f lie, so one at
/// least as large comes from an honest replica, and nobody can push a sender to the end of its numbers. It may be too small, if
/// honest replicas lag; then the nonce is refused, and the sender asks again.
pub(crate) fn believable(words: Vec<Option<u64>>, faults: usize) -> Option<u64> {
    nth_largest(words, faults + 1).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Nonces, believable};

    #[test]
    fn a_count_starts_above_the_highest_and_has_no_repeats() {
        let mut nonces = Nonces::default();
        assert_eq!(nonces.take(), None);
        nonces.start_above(None, 3);
        assert_eq!([nonces.take(), nonces.take()], [Some(3), Some(4)]);
        nonces.start_above(Some(3), 0);
        assert_eq!(nonces.take(), Some(5), "never down");
        nonces.start_above(Some(99), 7 + 16);
        assert_eq!(nonces.take(), Some(107));
    }

    #[test]
    fn the_end_of_the_numbers_does_not_overflow() {
        let mut nonces = Nonces::default();
        nonces.start_above(Some(u64::MAX), 255);
        assert_eq!([nonces.take(), nonces.take()], [Some(u64::MAX), Some(u64::MAX)]);
    }

    #[test]
    fn one_liar_cannot_push_it_up_and_may_pull_it_down_to_an_honest_word() {
        assert_eq!(believable(vec![Some(7), Some(u64::MAX), Some(7)], 1), Some(7));
        assert_eq!(believable(vec![Some(7), None, Some(7)], 1), Some(7));
        assert_eq!(believable(vec![Some(9), None, Some(3)], 1), Some(3));
        assert_eq!(believable(vec![Some(9), None, None], 1), None);
        assert_eq!(believable(vec![Some(9)], 0), Some(9));
        assert_eq!(believable(Vec::new(), 1), None);
    }
}
