//! What can be less.

use std::time::Duration;

use tetrarch_types::Time;

use super::Search;
use crate::options::Options;
use crate::trouble::Trouble;

/// Where the end of the faults is known this well, it is well enough.
const FINE: Duration = Duration::from_millis(4);

impl Search<'_> {
    /// The moment at which faults end, earlier: first where the oracle complained, then by bisection.
    pub(super) fn less_time(&mut self) {
        let failed = self.after.failure.as_ref().map_or(Time::ZERO, |failure| failure.at);
        let until_then = whole_millis(failed.since(Time::ZERO)) + Duration::from_millis(1);
        if until_then < self.after.drawn.faulty_for {
            self.faults_for(until_then);
        }
        let (mut too_short, mut long) = (Duration::ZERO, whole_millis(self.after.drawn.faulty_for));
        while long.saturating_sub(too_short) > FINE {
            let middle = whole_millis((too_short + long) / 2);
            if self.faults_for(middle) {
                long = middle;
            } else {
                too_short = middle;
            }
        }
    }

    fn faults_for(&mut self, faulty_for: Duration) -> bool {
        let options = Options { faulty_for: Some(faulty_for), ..self.options.clone() };
        self.attempt(&format!("faults for {} ms", faulty_for.as_millis()), &options)
    }

    /// Fewer faults and lies: all of them, then parts half as large each time, single ones last.
    pub(super) fn less_trouble(&mut self) {
        let mut size = Trouble::of(&self.after.drawn).len();
        while size > 0 {
            let troubles = Trouble::of(&self.after.drawn);
            for part in troubles.chunks(size) {
                self.without(part);
            }
            size /= 2;
        }
    }

    fn without(&mut self, part: &[Trouble]) {
        let mut without = self.options.without.clone();
        without.extend(part);
        without.sort_unstable();
        without.dedup();
        let names: Vec<String> = part.iter().map(ToString::to_string).collect();
        self.attempt(&format!("without {}", names.join(", ")), &Options { without, ..self.options.clone() });
    }

    /// Fewer replicas, clients and transactions at a time.
    pub(super) fn smaller(&mut self) {
        for n in (4..self.after.drawn.n).take(SIZES) {
            if self.attempt(&format!("{n} replicas"), &Options { n: Some(n), ..self.options.clone() }) {
                break;
            }
        }
        for clients in (1..self.after.drawn.clients).take(SIZES) {
            if self.attempt(&format!("{clients} clients"), &Options { clients: Some(clients), ..self.options.clone() })
            {
                break;
            }
        }
        for depth in (1..self.after.drawn.depth).take(SIZES) {
            if self.attempt(&format!("{depth} at a time"), &Options { depth: Some(depth), ..self.options.clone() }) {
                break;
            }
        }
    }
}

/// As many sizes are tried, the smallest first.
const SIZES: usize = 6;

fn whole_millis(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}
