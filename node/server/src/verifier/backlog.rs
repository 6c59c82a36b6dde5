//! Clients' transactions that wait for a worker.

use tetrarch_transport::Responder;
use tetrarch_types::{Host, Taken, Transaction};

use crate::bounds;
use crate::sharing::Turns;

/// A client's transaction, not verified, and the way back.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) transaction: Transaction,
    pub(crate) responder: Responder,
}

/// What waits, with its bytes. Hosts share the room and take turns (rule B-6).
pub(super) struct Backlog<T> {
    waiting: Turns<Host, (T, usize)>,
    places: Taken,
    bytes: Taken,
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        let (places, bytes) = (bounds::UNVERIFIED_TRANSACTIONS, bounds::UNVERIFIED_BYTES);
        Self { waiting: Turns::default(), places: Taken::none_of(places), bytes: Taken::none_of(bytes) }
    }
}

impl<T> Backlog<T> {
    /// Adds one, or gives it back when there is no room for this host.
    ///
    /// # Errors
    /// What there is no room for.
    pub(super) fn put(&mut self, host: Host, bytes: usize, it: T) -> Result<(), T> {
        if !self.places.has_room(host, 1) || !self.bytes.take(host, bytes) {
            return Err(it);
        }
        self.places.take(host, 1);
        self.waiting.push(host, (it, bytes));
        Ok(())
    }

    /// The next ones, so many at most.
    pub(super) fn take(&mut self, most: usize) -> Vec<T> {
        std::iter::from_fn(|| self.next()).take(most).collect()
    }

    fn next(&mut self) -> Option<T> {
        let (host, (it, bytes)) = self.waiting.pop()?;
        self.places.give_back(host, 1);
        self.bytes.give_back(host, bytes);
        Some(it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharing::host;

    #[test]
    fn a_flood_takes_half_and_nobody_waits_behind_it() {
        let mut backlog = Backlog::default();
        let flood = std::iter::repeat_with(|| backlog.put(host(1), 1, 'x')).take_while(Result::is_ok).count();
        assert_eq!(flood, bounds::UNVERIFIED_TRANSACTIONS / 2);
        assert_eq!(backlog.put(host(2), 1, 'a'), Ok(()));
        assert_eq!(backlog.put(host(2), 1, 'b'), Ok(()));
        assert_eq!(backlog.take(4), ['x', 'a', 'x', 'b']);
    }

    #[test]
    fn nor_does_one_of_large_ones() {
        let mut backlog = Backlog::default();
        let large = bounds::UNVERIFIED_BYTES / 8;
        let flood = std::iter::repeat_with(|| backlog.put(host(1), large, 'x')).take_while(Result::is_ok).count();
        assert_eq!(flood, 4);
        assert_eq!(backlog.put(host(2), large, 'a'), Ok(()));
        assert_eq!(backlog.take(3), ['x', 'a', 'x']);
        assert_eq!(backlog.put(host(1), large, 'y'), Ok(()), "there is room again");
    }
}
