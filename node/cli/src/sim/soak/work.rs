//! Threads that take seeds until none is left.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use tetrarch_simulator::{Options, Report, Seed};

use super::SoakArguments;
use crate::interrupt::Interrupt;

/// What there is to do. Seeds are begun in order, and whoever begins one ends it: so what is done has no gaps.
pub(super) struct Work<'a> {
    pub(super) arguments: &'a SoakArguments,
    interrupt: &'a Interrupt,
    begun: AtomicU64,
    is_over: AtomicBool,
}

impl<'a> Work<'a> {
    pub(super) const fn new(arguments: &'a SoakArguments, interrupt: &'a Interrupt) -> Self {
        Self { arguments, interrupt, begun: AtomicU64::new(0), is_over: AtomicBool::new(false) }
    }

    /// One thread's part of it.
    pub(super) fn run(&self, results: &SyncSender<Report>) {
        while let Some(seed) = self.take() {
            let report = tetrarch_simulator::run(seed, &self.options(seed));
            // Nobody listens only when the command is over.
            let _ = results.send(report);
        }
    }

    /// What a seed is run under.
    pub(super) fn options(&self, seed: Seed) -> Options {
        self.arguments.fixed.options(self.arguments.profile.of(seed))
    }

    /// No further seed is begun.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> Option<Seed> {
        if self.is_over.load(Ordering::Relaxed) || self.interrupt.has_come() {
            return None;
        }
        let nth = self.begun.fetch_add(1, Ordering::Relaxed);
        (nth < self.arguments.seeds).then(|| Seed::new(self.arguments.from.get().wrapping_add(nth)))
    }
}
