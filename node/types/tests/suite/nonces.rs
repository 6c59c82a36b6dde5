//! The nonce window against a model that keeps every nonce ever spent (rule R-2).

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use tetrarch_types::limits::NONCE_WINDOW;
use tetrarch_types::{NonceWindow, encode};

const WORD: u64 = 64;

/// All nonces spent, and the mark below which nothing may execute any more: 4096 nonces, in whole words, end at the highest.
#[derive(Default)]
struct Model {
    spent: BTreeSet<u64>,
    mark: u64,
}

impl Model {
    fn is_spent(&self, nonce: u64) -> bool {
        nonce < self.mark || self.spent.contains(&nonce)
    }

    fn spend(&mut self, nonce: u64) -> bool {
        if self.is_spent(nonce) {
            return false;
        }
        self.spent.insert(nonce);
        self.mark = self.mark.max((nonce / WORD * WORD).saturating_sub(NONCE_WINDOW - WORD));
        true
    }
}

/// Nonces near each other, near the window's edge, far ahead and at the very end.
fn nonces() -> impl Strategy<Value = Vec<u64>> {
    let near = 0..200_u64;
    let wide = 0..3 * NONCE_WINDOW;
    let edge = (0..4_u64, 0..130_u64).prop_map(|(round, offset)| (round * NONCE_WINDOW + offset).saturating_sub(65));
    let end = (0..NONCE_WINDOW + 100).prop_map(|below| u64::MAX - below);
    vec(prop_oneof![8 => near, 4 => wide, 4 => edge, 1 => end, 1 => any::<u64>()], 1..300)
}

fn agree(window: &NonceWindow, model: &Model, nonce: u64) -> Result<(), TestCaseError> {
    for probe in [nonce, nonce.wrapping_add(1), nonce.wrapping_sub(1), model.mark, model.mark.wrapping_sub(1)] {
        prop_assert_eq!(window.is_spent(probe), model.is_spent(probe), "nonce {}", probe);
    }
    prop_assert_eq!(window.highest(), model.spent.last().copied());
    Ok(())
}

proptest! {
    #[test]
    fn behaves_as_a_set_with_a_mark(nonces in nonces()) {
        let (mut window, mut model) = (NonceWindow::default(), Model::default());
        for nonce in nonces {
            prop_assert_eq!(window.spend(nonce), model.spend(nonce), "nonce {}", nonce);
            agree(&window, &model, nonce)?;
        }
        for probe in 0..4 * NONCE_WINDOW {
            prop_assert_eq!(window.is_spent(probe), model.is_spent(probe), "nonce {}", probe);
        }
    }

    #[test]
    fn never_executes_twice(nonces in nonces()) {
        let mut window = NonceWindow::default();
        let mut executed = BTreeSet::new();
        for nonce in nonces.iter().chain(&nonces) {
            if window.spend(*nonce) {
                prop_assert!(executed.insert(*nonce), "nonce {} executed twice", nonce);
            }
        }
    }

    #[test]
    fn holds_at_most_the_window(nonces in nonces()) {
        let mut window = NonceWindow::default();
        nonces.iter().for_each(|nonce| { window.spend(*nonce); });
        // At most 64 words of at most ten bytes as varints, the mark and the length.
        prop_assert!(encode(&window).len() <= 64 * 10 + 10 + 1);
    }
}

fn spent(nonces: impl IntoIterator<Item = u64>) -> NonceWindow {
    let mut window = NonceWindow::default();
    for nonce in nonces {
        assert!(window.spend(nonce), "nonce {nonce} was refused");
    }
    window
}

#[test]
fn a_fresh_window_has_nothing_spent() {
    let window = NonceWindow::default();
    assert_eq!(window.highest(), None);
    assert!([0, 1, u64::MAX].into_iter().all(|nonce| !window.is_spent(nonce)));
}

#[test]
fn counting_up_by_one_needs_a_single_word() {
    let mut window = NonceWindow::default();
    for nonce in 0..10_000 {
        assert!(window.spend(nonce));
        assert!(encode(&window).len() <= 3 + 1 + 10, "nonce {nonce}: a mark, a length and one word");
        assert_eq!(window.highest(), Some(nonce));
    }
}

#[test]
fn a_start_at_one_costs_no_more_than_a_window() {
    let window = spent(1..100_000);
    assert!(!window.is_spent(100_000));
    assert!(window.is_spent(0), "nonce 0 fell out below");
    assert!(encode(&window).len() <= 64 * 10 + 11);
}

#[test]
fn out_of_order_within_the_window_all_execute() {
    let window = spent((0..NONCE_WINDOW).rev());
    assert_eq!(window, spent(0..NONCE_WINDOW), "the order leaves no trace");
}

#[test]
fn the_window_reaches_back_as_far_as_promised() {
    for highest in [NONCE_WINDOW, 10 * NONCE_WINDOW, 10 * NONCE_WINDOW + 63, u64::MAX] {
        let window = spent([highest]);
        let reach = highest - (NONCE_WINDOW - 64);
        assert!((reach..highest).all(|nonce| !window.is_spent(nonce)), "below {highest}");
        assert!(window.is_spent(highest - NONCE_WINDOW), "below {highest}");
        assert!(window.is_spent(0));
    }
}

#[test]
fn the_last_nonces_of_all_can_be_spent() {
    let mut window = spent([u64::MAX]);
    assert_eq!(window.highest(), Some(u64::MAX));
    assert!(!window.spend(u64::MAX));
    let mut window_full = spent(u64::MAX - 63..u64::MAX);
    assert!(window_full.spend(u64::MAX), "the last word fills up and goes");
    assert_eq!(window_full.highest(), Some(u64::MAX));
    assert!(window_full.is_spent(u64::MAX) && window_full.is_spent(0));
    assert!(!window_full.spend(u64::MAX) && !window_full.spend(7));
    assert!(window.spend(u64::MAX - 1));
}

#[test]
fn a_far_jump_forgets_the_bitmap_but_not_that_it_was_spent() {
    let mut window = spent([3, 70, 4_000]);
    assert!(window.spend(1_000_000_000));
    assert!((0..5_000).all(|nonce| window.is_spent(nonce)));
    assert_eq!(window.highest(), Some(1_000_000_000));
}

/// What replicas drop from their pools is what the window no longer lets through.
#[test]
fn what_falls_out_of_the_window_is_known_beforehand() {
    for highest in [0, 1, 63, 64, 4_095, 4_096, 4_160, 9_000, u64::MAX - 1, u64::MAX] {
        let mut window = NonceWindow::default();
        assert!(window.spend(highest));
        let lowest = NonceWindow::lowest_beside(highest);
        assert!(lowest <= highest && highest - lowest < NONCE_WINDOW, "{highest}");
        assert!(lowest == highest || !window.is_spent(lowest), "{highest}");
        assert!(lowest == 0 || window.is_spent(lowest - 1), "{highest}");
    }
}
