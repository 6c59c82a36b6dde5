//! The story of an input, told while it is replayed, and the landmarks that a run came by.
#![allow(clippy::print_stderr, reason = "a replay speaks to whoever started it")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

/// Characters of one line: messages can be long.
const WIDTH: usize = 200;

static TOLD: AtomicBool = AtomicBool::new(false);

thread_local! {
    static PASSED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// What the inputs that ran on this thread came by.
pub fn passed() -> BTreeSet<&'static str> {
    PASSED.with_borrow(Clone::clone)
}

pub(crate) fn pass(landmark: &'static str) {
    PASSED.with_borrow_mut(|passed| passed.insert(landmark));
}

/// From here on, what targets do is told on standard error.
pub fn tell() {
    TOLD.store(true, Ordering::Relaxed);
}

/// One thing that happens.
pub(crate) fn note(what: &str, it: &dyn Debug) {
    if TOLD.load(Ordering::Relaxed) {
        let line: String = format!("{what} {it:?}").chars().take(WIDTH).collect();
        eprintln!("{line}");
    }
}
