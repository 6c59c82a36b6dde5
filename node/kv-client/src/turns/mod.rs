//! Turns: those who want the same thing stand in a queue, and the first one has it. Locks and elections are both made of it.
//!
//! A queue is a prefix. Whoever wants a turn puts a key below it that hangs on a lease; the order is that in which the keys came to be, which the
//! cluster agreed on. So the end of a lease, by agreed time, gives a turn on, and nobody's clock has a say. It is what etcd's `concurrency` package
//! does, with its names of keys: its clients and these can stand in one queue.
//!
//! A turn has a number that is larger than those of all turns before it: the revision at which its key came to be. Whoever guards what the turn is
//! about has to refuse smaller numbers than the largest it has seen; a holder that was stopped and does not know that its lease ended is kept
//! out by that (a *fencing* number). Between the end of a lease and the moment when its holder learns of it, nothing else could.

mod observe;
mod plain;
mod queue;
mod session;

use std::future::Future;

pub use observe::{Observed, Observer};
pub use plain::{Plain, PlainError, Within};
pub use queue::{Queue, Turn};
pub use session::{Ended, draw_lease_id, grant, keep_alive, revoke};
use tetrarch_kv::{Answered, KeyRange, KvError, RangeRequest, Request, Selection};

use crate::BackendError;
use crate::watch::Happened;

/// What is needed of a store.
pub trait TurnStore: Sync {
    /// Why it does not answer, in its own words.
    type Error: From<BackendError> + From<KvError> + Send;
    /// Changes of some keys, as they come to be.
    type Changes: Changes<Error = Self::Error>;

    /// Has a request executed in the one order.
    fn order(&self, request: Request) -> impl Future<Output = Result<Answered, Self::Error>> + Send;

    /// Reads what is there now: the store's revision, and the records.
    fn read(&self, request: RangeRequest) -> impl Future<Output = Result<(u64, Selection), Self::Error>> + Send;

    /// Watches keys from a revision on.
    fn watch(&self, range: KeyRange, from: u64) -> impl Future<Output = Result<Self::Changes, Self::Error>> + Send;
}

/// Changes of some keys, as they come to be.
pub trait Changes: Send {
    /// Why there are no more.
    type Error;

    /// Those of the next revision that has some, and no others.
    fn next(&mut self) -> impl Future<Output = Result<Happened, Self::Error>> + Send;
}

/// Why there is no turn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnError<E> {
    /// The store does not answer as it has to.
    #[error("the store does not answer")]
    Store(E),
    /// The key went away while it waited: its lease ended, or somebody deleted it.
    #[error("the lease ended, or somebody gave the turn up, before it came")]
    Lost,
    /// The turn is over, or has never been.
    #[error("this turn is over")]
    Over,
    /// Nobody stands in the queue.
    #[error("nobody has the turn")]
    Nobody,
}
