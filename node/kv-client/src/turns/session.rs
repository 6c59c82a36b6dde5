//! Keeping a lease alive.

use std::time::Duration;

use tetrarch_kv::{Answered, Request, Response};
use tokio::time::{Instant, sleep, timeout_at};

use super::TurnStore;
use super::queue::another;
use crate::BackendError;

/// Keepalives in a lease's life.
const KEEPALIVES: u32 = 3;

/// The wait after a keepalive that had no answer.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a lease lives no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// There is no such lease any more.
    #[error("the lease has ended")]
    Gone,
    /// No keepalive was answered for as long as it may live: it may have ended, and nobody here can know.
    #[error("the lease could not be kept alive in time, so it may have ended")]
    Unanswered,
}

/// Keeps a lease alive until it cannot. What hangs on it is not to be relied on any longer then, though only the guard of what it is about can
/// know the truth, by the fencing number: this machine's clock and agreed time need not go alike.
pub async fn keep_alive<S: TurnStore>(store: &S, lease: u64) -> Ended {
    let mut until: Option<Instant> = None;
    loop {
        let asked = Instant::now();
        let answer = store.order(Request::LeaseKeepAlive { id: lease });
        let answer = match until {
            Some(until) => match timeout_at(until, answer).await {
                Ok(answer) => answer,
                Err(_) => return Ended::Unanswered,
            },
            None => answer.await,
        };
        let pause = match answer {
            Ok(Answered { response: Response::LeaseKept { ttl: 0, .. }, .. }) => return Ended::Gone,
            Ok(Answered { response: Response::LeaseKept { ttl, .. }, .. }) => {
                let ttl = Duration::from_secs(ttl);
                until = Some(asked + ttl);
                ttl / KEEPALIVES
            }
            Ok(_) | Err(_) => PAUSE,
        };
        sleep(pause).await;
        if until.is_some_and(|until| until <= Instant::now()) {
            return Ended::Unanswered;
        }
    }
}

/// Makes a lease, with a time to live in seconds. Says its id.
///
/// # Errors
/// What the store says.
pub async fn grant<S: TurnStore>(store: &S, ttl: i64) -> Result<u64, S::Error> {
    match store.order(Request::LeaseGrant { id: draw_lease_id()?, ttl }).await? {
        Answered { response: Response::LeaseGranted { id, .. }, .. } => Ok(id),
        _ => Err(another()),
    }
}

/// Ends a lease, and what hangs on it. Says the store's revision then.
///
/// # Errors
/// What the store says.
pub async fn revoke<S: TurnStore>(store: &S, lease: u64) -> Result<u64, S::Error> {
    match store.order(Request::LeaseRevoke { id: lease }).await? {
        Answered { revision, response: Response::LeaseRevoked } => Ok(revision),
        _ => Err(another()),
    }
}

/// A lease id that nobody else has drawn: positive, as etcd's are. Drawn by whoever signs, so that every replica executes the same one.
///
/// # Errors
/// If this machine gives no randomness.
pub fn draw_lease_id() -> Result<u64, BackendError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| BackendError::Unavailable(format!("no lease id: {error}")))?;
    Ok((u64::from_le_bytes(bytes) >> 1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_ids_are_positive_and_differ() {
        let ids: std::collections::BTreeSet<u64> = (0..100).map(|_| draw_lease_id().unwrap()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.cast_signed() > 0));
    }
}
