//! Keeps entries while a run goes on, and puts them in order at its end.

use std::collections::VecDeque;

use tetrarch_types::Time;

use super::{Entry, Fate, What};

/// The latest entries that are kept: many times those of a run that heals, a few hundred megabytes of one that does not.
const MOST_ENTRIES: usize = 1_000_000;

/// The entries of a run, the latest of them if there are too many.
#[derive(Default)]
pub(crate) struct Recorder {
    entries: VecDeque<Entry>,
}

impl Recorder {
    /// Keeps one. Messages come when they leave.
    pub(crate) fn record(&mut self, now: Time, what: What) {
        if self.entries.len() == MOST_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at: now, what });
    }

    /// All of them in order of time, when the run ended at `end`; of those at one moment, the earlier noted one first.
    pub(crate) fn finish(self, end: Time) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.entries.into();
        for entry in &mut entries {
            let What::Message(passage) = &mut entry.what else { continue };
            match passage.fate {
                Fate::Arrived(at) if at > end => passage.fate = Fate::UnderWay(at),
                Fate::Arrived(at) => entry.at = at,
                _ => {}
            }
        }
        entries.sort_by_key(|entry| entry.at);
        entries
    }
}
