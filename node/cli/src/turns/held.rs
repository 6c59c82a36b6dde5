//! A turn, from the wait for it to its end.

use std::time::Duration;

use tetrarch_kv_client::turns::{Ended, PlainError, Queue, Turn, TurnError, grant, keep_alive, revoke};

use crate::cluster::{Store, store_failure};
use crate::failure::{Class, Failure};
use crate::lease::seconds;
use crate::signals::Signals;

/// How something ended that was done while a turn was held.
pub(super) enum End<T> {
    /// It was done.
    Done(T),
    /// This process was asked to end.
    Interrupted,
}

/// Takes a turn, has `work` done while it is held, and gives it back, whatever happens in between. The turn's lease lives as long as this process says so,
/// and ends `ttl` after it cannot.
///
/// # Errors
/// If the turn does not come, or is lost while the work is done, which is dropped then.
pub(super) async fn hold<T, W: Future<Output = Result<T, Failure>>>(
    store: &Store,
    queue: &Queue,
    value: &[u8],
    ttl: Duration,
    tried: &str,
    work: impl FnOnce(Turn, u64) -> W,
) -> Result<End<T>, Failure> {
    let mut signals = Signals::listen(tried)?;
    let lease = grant(store, seconds(ttl)).await.map_err(|error| store_failure(tried, &error))?;
    let holding = async {
        let turn = queue.enter(store, lease, value).await.map_err(|error| refused(tried, &error))?;
        let revision = queue.wait(store, &turn).await.map_err(|error| refused(tried, &error))?;
        work(turn, revision).await
    };
    let end = tokio::select! {
        done = holding => done.map(End::Done),
        ended = keep_alive(store, lease) => Err(lost(tried, ended)),
        () = signals.next() => Ok(End::Interrupted),
    };
    // The place goes with the lease. If this fails, the lease ends by itself.
    let _ = tokio::time::timeout(GIVING_BACK, revoke(store, lease)).await;
    end
}

/// The longest wait for the turn to be given back.
const GIVING_BACK: Duration = Duration::from_secs(5);

fn lost(tried: &str, ended: Ended) -> Failure {
    let next = "what was done since may have met another holder: guards have to check the fencing number";
    Failure::new(Class::CompareFalse, tried, format!("the turn is lost: {ended}"), next)
}

/// Why there is no turn.
pub(super) fn refused(tried: &str, error: &TurnError<PlainError>) -> Failure {
    match error {
        TurnError::Store(error) => store_failure(tried, error),
        TurnError::Lost | TurnError::Over | TurnError::Nobody => {
            Failure::new(Class::CompareFalse, tried, error.to_string(), "try again")
        }
    }
}
