//! Which revision history may begin with. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::AutoCompaction;

/// Looks in a period. A period is overrun by one of these at most.
const LOOKS: u32 = 10;

/// The shortest pause between two looks.
const SHORTEST: Duration = Duration::from_secs(1);

/// The pause where revisions count: etcd's.
const BY_REVISIONS: Duration = Duration::from_secs(300);

impl AutoCompaction {
    /// How long to wait from one look to the next.
    pub(super) fn pause(self) -> Duration {
        match self {
            Self::Periodic(period) => (period / LOOKS).max(SHORTEST),
            Self::Revision(_) => BY_REVISIONS,
        }
    }
}

/// What was seen, and what was compacted.
#[derive(Debug)]
pub(super) struct Due {
    kept: AutoCompaction,
    /// When the store was at which revision, oldest first: of those that are old enough only the last.
    seen: VecDeque<(Duration, u64)>,
    compacted: u64,
}

impl Due {
    pub(super) const fn new(kept: AutoCompaction) -> Self {
        Self { kept, seen: VecDeque::new(), compacted: 0 }
    }

    /// The store is at `newest` now: what to compact, if there is anything that was not.
    pub(super) fn at(&mut self, now: Duration, newest: u64) -> Option<u64> {
        let revision = match self.kept {
            AutoCompaction::Periodic(period) => self.of_age(now, period, newest)?,
            AutoCompaction::Revision(count) => newest.checked_sub(count)?,
        };
        (revision > self.compacted).then_some(revision)
    }

    /// That revision is compacted.
    pub(super) const fn done(&mut self, revision: u64) {
        self.compacted = revision;
    }

    fn of_age(&mut self, now: Duration, period: Duration, newest: u64) -> Option<u64> {
        self.seen.push_back((now, newest));
        let is_of_age = |at: Option<&(Duration, u64)>| at.is_some_and(|(seen, _)| now.saturating_sub(*seen) >= period);
        while is_of_age(self.seen.get(1)) {
            self.seen.pop_front();
        }
        self.seen.front().filter(|first| is_of_age(Some(first))).map(|(_, revision)| *revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn by_time_what_is_of_age_goes_and_nothing_else() {
        let mut due = Due::new(AutoCompaction::Periodic(10 * MINUTE));
        assert_eq!(due.kept.pause(), MINUTE);
        for minute in 0..10 {
            assert_eq!(due.at(minute * MINUTE, 100 + u64::from(minute)), None, "nothing is known to be old: {minute}");
        }
        assert_eq!(due.at(10 * MINUTE, 500), Some(100));
        assert_eq!(due.at(11 * MINUTE, 501), Some(101), "the first one failed: a later one does for both");
        due.done(101);
        assert_eq!(due.at(12 * MINUTE, 501), Some(102));
        due.done(102);
        // A gateway that could not ask for long.
        assert_eq!(due.at(50 * MINUTE, 501), Some(501));
        due.done(501);
        assert_eq!(due.at(80 * MINUTE, 501), None, "nothing was changed since");
        assert!(due.seen.len() <= LOOKS as usize + 1);
    }

    #[test]
    fn what_was_seen_is_bounded() {
        let mut due = Due::new(AutoCompaction::Periodic(Duration::from_secs(1)));
        assert_eq!(due.kept.pause(), SHORTEST);
        for look in 0..1_000 {
            due.at(look * SHORTEST, u64::from(look));
            assert!(due.seen.len() <= 2);
        }
    }

    #[test]
    fn by_revisions_so_many_stay() {
        let mut due = Due::new(AutoCompaction::Revision(100));
        assert_eq!(due.at(Duration::ZERO, 40), None);
        assert_eq!(due.at(MINUTE, 100), None, "revision 0 is before all");
        assert_eq!(due.at(MINUTE, 130), Some(30));
        due.done(30);
        assert_eq!(due.at(MINUTE, 130), None);
        assert_eq!(due.at(MINUTE, 131), Some(31));
    }
}
