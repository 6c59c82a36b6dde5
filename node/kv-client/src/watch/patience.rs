//! How long a teller may owe what others are known to have.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::{LONGEST_PATIENCE, PATIENCE};

/// A teller owes all that honest replicas had at a moment, and not just something: who tells a little now and then tells the truth, and is ever further behind.
/// Once it has told that, it owes what came to be known meanwhile. So nobody is told of a revision later than twice the patience, however much happens.
///
/// Where the time was too short for an honest replica, because there is much to tell or the network is slow, it doubles with each teller that was left. It
/// halves again only as time goes by, whatever tellers do: so nobody can have honest ones left again and again, and nobody who was slow once has the
/// longer time for long.
#[derive(Debug, Default)]
pub(super) struct Patience {
    debt: Option<Debt>,
    /// How often the time has doubled.
    lost: u32,
    /// When it last did, or halved.
    changed: Option<Instant>,
}

/// What is owed.
#[derive(Clone, Copy, Debug)]
struct Debt {
    /// All up to this revision.
    known: u64,
    since: Instant,
}

impl Patience {
    /// When it ends, where so much is believed, and an honest replica is known to have so much; none if nothing is owed.
    pub(super) fn until(&mut self, believed: u64, known: u64) -> Option<Instant> {
        if known <= believed {
            self.debt = None;
            return None;
        }
        let debt = self.debt.filter(|debt| debt.known > believed);
        let debt = debt.unwrap_or_else(|| Debt { known, since: Instant::now() });
        self.debt = Some(debt);
        self.forget();
        Some(debt.since + PATIENCE.saturating_mul(1 << self.lost.min(10)).min(LONGEST_PATIENCE))
    }

    /// For so long nobody took what is believed, and nothing was asked for.
    pub(super) fn stand_still(&mut self, pause: Duration) {
        if let Some(debt) = &mut self.debt {
            debt.since += pause;
        }
    }

    /// It has ended: the teller was left, and the next one has twice the time.
    pub(super) fn lost(&mut self) {
        *self = Self { debt: None, lost: self.lost.saturating_add(1), changed: Some(Instant::now()) };
    }

    fn forget(&mut self) {
        let Some(changed) = self.changed.filter(|_| self.lost > 0) else { return };
        let times = changed.elapsed().as_secs() / LONGEST_PATIENCE.as_secs();
        if times > 0 {
            self.lost = self.lost.saturating_sub(u32::try_from(times).unwrap_or(u32::MAX));
            self.changed = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// How long there is from now on.
    fn left(patience: &mut Patience, believed: u64, known: u64) -> Option<Duration> {
        patience.until(believed, known).map(|until| until - Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_little_now_and_then_is_not_what_is_owed() {
        let mut patience = Patience::default();
        assert_eq!(left(&mut patience, 5, 5), None);
        assert_eq!(left(&mut patience, 5, 9), Some(PATIENCE));
        advance(PATIENCE / 4).await;
        assert_eq!(left(&mut patience, 8, 20), Some(PATIENCE * 3 / 4));
        assert_eq!(left(&mut patience, 9, 20), Some(PATIENCE), "what came to be known meanwhile");
        assert_eq!(left(&mut patience, 20, 20), None);
    }

    #[tokio::test(start_paused = true)]
    async fn while_nobody_takes_anything_nothing_is_owed() {
        let mut patience = Patience::default();
        patience.until(5, 9);
        advance(10 * PATIENCE).await;
        patience.stand_still(10 * PATIENCE);
        assert_eq!(left(&mut patience, 6, 9), Some(PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn it_grows_with_what_came_of_nothing_and_shrinks_with_time() {
        let mut patience = Patience::default();
        for times in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(left(&mut patience, 5, 9), Some(times * PATIENCE));
            patience.lost();
        }
        patience = Patience { lost: 2, ..patience };
        advance(LONGEST_PATIENCE / 2).await;
        assert_eq!(left(&mut patience, 5, 9), Some(4 * PATIENCE));
        assert_eq!(left(&mut patience, 9, 12), Some(4 * PATIENCE), "whatever is told");
        advance(LONGEST_PATIENCE / 2).await;
        assert_eq!(left(&mut patience, 12, 13), Some(2 * PATIENCE));
        advance(10 * LONGEST_PATIENCE).await;
        assert_eq!(left(&mut patience, 13, 14), Some(PATIENCE));
    }
}
