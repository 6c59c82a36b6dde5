//! What a liar does without being asked: words that are due, floods, and reports in the node's log.

use std::time::{Duration, Instant};

use crate::liar::{Liar, Mind};

/// How often it reports what it did.
const REPORT: Duration = Duration::from_secs(10);

/// Runs until the liar ends, and reports a last time.
pub(crate) fn run(liar: &Liar) {
    let mut mind = liar.lock();
    let mut report_at = Instant::now() + REPORT;
    while !mind.is_over {
        let now = Instant::now();
        mind.say_due(now);
        mind.flood(now);
        if report_at <= now {
            mind.report();
            report_at = now + REPORT;
        }
        let next = [mind.later.due(), mind.flood.as_ref().map(|flood| flood.due())];
        let next = next.into_iter().flatten().fold(report_at, Instant::min);
        mind = liar.sleep(mind, next);
    }
    mind.report();
}

impl Mind {
    fn say_due(&mut self, now: Instant) {
        while let Some(word) = self.later.take_due(now) {
            self.utter(word.to, &word.message);
        }
    }

    fn flood(&mut self, now: Instant) {
        let burst = self.flood.as_mut().map(|flood| flood.burst(now)).unwrap_or_default();
        for (to, message) in burst {
            self.followed("flood");
            self.utter(to, &message);
        }
    }

    fn report(&self) {
        let (mode, deeds) = (self.corruption.mode, self.deeds());
        tracing::info!(%mode, seed = self.corruption.seed, deeds, "what this liar did so far");
    }
}
