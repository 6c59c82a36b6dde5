//! The story of an input, told while it is replayed.
#![allow(clippy::print_stderr, reason = "a replay speaks to whoever started it")]

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

/// Characters of one line: messages can be long.
const WIDTH: usize = 200;

static TOLD: AtomicBool = AtomicBool::new(false);

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
