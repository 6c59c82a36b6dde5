//! What a peer may have for the asking (rule L-6): nothing that it repeats makes this replica say or read more than so much.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_types::{ReplicaId, Time, limits};

/// Bytes of bodies and batches that a peer may have in a second, once it has had a burst.
const BYTES_A_SECOND: u64 = 32 * 1024 * 1024;

/// Bytes that a peer may have at once: one supply of the largest size, and the next one right behind it.
const BURST: u64 = 2 * limits::MAX_SUPPLY_BYTES as u64;

/// What one member was given.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// When something was last repeated to it.
    repeated: Option<Time>,
    /// When its complaint last made this replica complain at once.
    joined: Option<Time>,
    /// When all bytes that it was given are paid for, at the rate above.
    paid: Time,
}

/// What each member was given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budgets(BTreeMap<ReplicaId, Account>);

impl Budgets {
    /// Whether votes and certificates may be repeated to a peer, the last time being at least this long ago; it counts as done then.
    pub(crate) fn may_repeat(&mut self, to: ReplicaId, now: Time, rest: Duration) -> bool {
        is_rested(&mut self.0.entry(to).or_default().repeated, now, rest)
    }

    /// The same for a complaint that a peer's complaint makes this replica say.
    pub(crate) fn may_join(&mut self, with: ReplicaId, now: Time, rest: Duration) -> bool {
        is_rested(&mut self.0.entry(with).or_default().joined, now, rest)
    }

    /// Whether a peer may be given so many bytes; they count as given then.
    pub(crate) fn may_give(&mut self, to: ReplicaId, now: Time, bytes: usize) -> bool {
        let account = self.0.entry(to).or_default();
        let paid = account.paid.max(now).after(time_for(bytes as u64));
        let is_within = paid <= now.after(time_for(BURST));
        if is_within {
            account.paid = paid;
        }
        is_within
    }
}

/// Whether the last time is at least this long ago; it is now then.
fn is_rested(last: &mut Option<Time>, now: Time, rest: Duration) -> bool {
    let is_rested = last.is_none_or(|last| now >= last.after(rest));
    if is_rested {
        *last = Some(now);
    }
    is_rested
}

/// The time in which so many bytes may be given.
const fn time_for(bytes: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / BYTES_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ReplicaId = ReplicaId::new(1);
    const REST: Duration = Duration::from_millis(50);

    #[test]
    fn a_peer_is_repeated_to_now_and_then_and_others_besides() {
        let mut budgets = Budgets::default();
        let at = |millis| Time::ZERO.after(Duration::from_millis(millis));
        let answered = (0..1_000).filter(|millis| budgets.may_repeat(ONE, at(*millis), REST)).count();
        assert_eq!(answered, 20);
        assert!(budgets.may_repeat(ReplicaId::new(2), at(999), REST));
    }

    #[test]
    fn bytes_are_given_in_a_burst_and_then_at_a_rate() {
        let mut budgets = Budgets::default();
        let piece = limits::MAX_SUPPLY_BYTES;
        let mut given = |seconds: u64| {
            let now = Time::ZERO.after(Duration::from_secs(seconds));
            (0..1_000).filter(|_| budgets.may_give(ONE, now, piece)).count() as u64 * piece as u64
        };
        assert_eq!(given(0), BURST);
        assert_eq!(given(0), 0);
        // As much as the bucket holds, however long it was not asked.
        assert_eq!(given(100), BURST);
        assert!(budgets.may_give(ReplicaId::new(2), Time::ZERO, piece));
    }
}
