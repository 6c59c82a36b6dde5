//! Senders as the replicated state knows them, and when it forgets them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{NonceWindow, Timestamp, limits};

/// How long a sender may be idle, to the step. No transaction of its own can be valid any more after half of that, so its nonces can go.
const MAX_IDLE: Duration = limits::MAX_VALIDITY.saturating_mul(2);

/// Agreed time of the last use counts by so much: who keeps senders by it moves them no more often, however often they are heard of.
const STEP: Duration = Duration::from_secs(60);

/// A sender as the replicated state knows it (rule R-2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Its spent nonces.
    pub nonces: NonceWindow,
    /// Agreed time of its last executed transaction.
    pub last_used: Timestamp,
}

impl Sender {
    /// Senders that a batch of so many transactions forgets at most: of those that are due, the ones longest idle, and of several of one step
    /// those with the lower keys. More than it can bring, so that those who are due never pile up, however many come of whom nobody hears
    /// again. Part of the protocol, like the rest of rule R-3: agreement foresees what execution will have forgotten.
    pub const fn forgotten_beside(transactions: usize) -> usize {
        transactions.saturating_add(64)
    }

    /// Since when it counts as idle: the step of its last use.
    pub fn idle_since(&self) -> Timestamp {
        step(self.last_used)
    }

    /// Who counts as idle since before this is due to be forgotten at that agreed time.
    pub fn due_before(time: Timestamp) -> Timestamp {
        step(time.minus(MAX_IDLE))
    }
}

/// The last full step.
fn step(at: Timestamp) -> Timestamp {
    let step = u64::try_from(STEP.as_micros()).unwrap_or(u64::MAX);
    Timestamp::from_micros(at.as_micros() - at.as_micros() % step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hours_of_idleness_to_the_minute() {
        let at = |seconds: u64| Timestamp::from_micros(seconds * 1_000_000);
        let is_due =
            |used, now| Sender { last_used: at(used), ..Sender::default() }.idle_since() < Sender::due_before(at(now));
        assert!(!is_due(60, 7_260 + 59));
        assert!(!is_due(119, 7_260 + 59));
        assert!(is_due(60, 7_320));
        assert!(is_due(119, 7_320));
        assert!(!is_due(120, 7_320));
        assert!(!is_due(0, 0), "time began");
    }
}
