//! Waiting for the clients that were answered a moment ago.
//!
//! ```text
//!   at once      A ─────────┐ A's clients come back, ┌─ A ─────────      each client waits for two batches:
//!                           └─ B ─────────┐ and wait ┘        └─ B ──     the other half's, and its own
//!
//!   gathering    A ─────────┐ ≤ L/2 ┌─ A and B ─────────┐ ≤ L/2 ┌──       each waits for one
//!                └─── L ────┘       └─────────────────────┘
//! ```
//!
//! Whoever waits for an answer before asking again comes back soon after a batch is executed, but later than those who had to wait for that
//! batch. A primary that proposes at once what waits by then splits its clients into two groups that take turns for good. So it waits, if
//! nothing is in flight, until nearly as many wait as were just answered and were waiting then: half as long as the last batch took, at
//! most, and never longer than [`Config::batch_spacing`](crate::Config::batch_spacing). (Databases know it as commit delay, and the groups
//! as a convoy.)
//!
//! Where clients ask without waiting for answers, or come from afar, that is in vain: in half of a batch's time there comes half of what
//! came in all of it. Each wait in vain is followed by twice as many batches without one, so that they pay next to nothing; clients that
//! come back only sometimes can delay a batch as long as said above, and no more.
//!
//! None of that touches safety. A primary may propose when it likes, within rule V-9.

use std::time::Duration;

use tetrarch_types::Time;

/// Batches without a wait behind one in vain, at most.
const MOST_SKIPPED: u32 = 16;

/// The wait for clients to come back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathering {
    /// The transactions of the batch that was handed to execution last.
    latest: usize,
    /// The wait that goes on, if there is one.
    wait: Option<Wait>,
    /// Batches that are still to be proposed without a wait.
    skip: u32,
    /// How many it were behind the last wait in vain.
    skipped: u32,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    /// Transactions that end it.
    enough: usize,
    /// Fewer than that are as many as would have come anyway.
    worth: usize,
    /// When it ends in any case.
    until: Time,
}

impl Gathering {
    /// A batch of so many transactions is handed to execution.
    pub(crate) const fn note_dispatched(&mut self, transactions: usize) {
        self.latest = transactions;
    }

    /// Everything that was proposed is executed: the clients of the last batch, which took so long, have their answers from now on, and
    /// so many transactions of others wait.
    pub(crate) fn begin(&mut self, now: Time, took: Duration, longest: Duration, waiting: usize) {
        if self.skip > 0 {
            self.skip -= 1;
            self.wait = None;
            return;
        }
        let expected = self.latest + waiting;
        let (enough, worth) = (expected - expected / 8, expected - self.latest * 3 / 8);
        self.wait = Some(Wait { enough, worth, until: now.after((took / 2).min(longest)) });
    }

    /// When the next batch is due if so many transactions wait, of which `large` are worth a batch whoever comes back.
    pub(crate) fn due(&self, waiting: usize, large: usize) -> Time {
        match self.wait {
            Some(wait) if waiting < wait.enough.min(large) => wait.until,
            _ => Time::ZERO,
        }
    }

    /// A batch is proposed while so many transactions wait.
    pub(crate) fn end(&mut self, waiting: usize, large: usize) {
        let Some(wait) = self.wait.take() else { return };
        let in_vain = waiting < wait.worth.min(large);
        self.skipped = if in_vain { self.skipped.saturating_mul(2).clamp(1, MOST_SKIPPED) } else { 0 };
        self.skip = self.skipped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 64;
    const LONGEST: Duration = Duration::from_millis(10);
    const TOOK: Duration = Duration::from_millis(6);

    fn at(millis: u64) -> Time {
        Time::ZERO.after(Duration::from_millis(millis))
    }

    /// A batch of `answered` is executed at `now`, while others wait.
    fn begun(answered: usize, waiting: usize, now: Time) -> Gathering {
        let mut gathering = Gathering::default();
        gathering.note_dispatched(answered);
        gathering.begin(now, TOOK, LONGEST, waiting);
        gathering
    }

    #[test]
    fn it_waits_until_those_are_back_that_were_answered_and_not_for_the_last_of_many() {
        let gathering = begun(8, 8, at(100));
        assert_eq!(gathering.due(8, LARGE), at(103), "half of what the batch took");
        assert_eq!(gathering.due(13, LARGE), at(103));
        assert_eq!(gathering.due(14, LARGE), Time::ZERO);
        assert_eq!(begun(1, 1, at(100)).due(1, LARGE), at(103), "of few, for each");
    }

    #[test]
    fn a_client_alone_never_waits() {
        assert_eq!(begun(1, 0, at(100)).due(1, LARGE), Time::ZERO);
    }

    #[test]
    fn what_is_worth_a_batch_does_not_wait() {
        assert_eq!(begun(200, 64, at(100)).due(LARGE, LARGE), Time::ZERO);
        assert_eq!(begun(200, 63, at(100)).due(LARGE - 1, LARGE), at(103));
    }

    #[test]
    fn it_waits_no_longer_than_it_may() {
        let mut gathering = begun(8, 8, at(100));
        gathering.begin(at(200), Duration::from_secs(5), LONGEST, 8);
        assert_eq!(gathering.due(8, LARGE), at(210));
    }

    /// A batch of eight is executed while eight wait, and `back` more until the next is proposed. Whether that one waited.
    fn waits(gathering: &mut Gathering, back: usize) -> bool {
        gathering.note_dispatched(8);
        gathering.begin(at(100), TOOK, LONGEST, 8);
        let waits = gathering.due(8, LARGE) > Time::ZERO;
        gathering.end(8 + back, LARGE);
        waits
    }

    #[test]
    fn waits_in_vain_become_rare_and_one_that_pays_ends_that() {
        let mut gathering = Gathering::default();
        let waited: Vec<usize> = (0..60).filter(|_| waits(&mut gathering, 4)).collect();
        assert_eq!(waited, [0, 2, 5, 10, 19, 36, 53], "1, 2, 4, 8, 16, 16 without one in between");

        let skipped = (0..20).take_while(|_| !waits(&mut gathering, 5)).count();
        assert_eq!(skipped, 10, "of the sixteen");
        assert!(waits(&mut gathering, 4), "most came back, so it waits again");
        assert!(!waits(&mut gathering, 4), "and begins to doubt from the start");
        assert!(waits(&mut gathering, 4));
    }
}
