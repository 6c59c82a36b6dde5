//! What a caller has while it waits for its turn: a lease that lives on, and a place that it leaves if it goes away.

use std::sync::Arc;

use tetrarch_kv_client::Backend;
use tetrarch_kv_client::turns::{Turn, grant, keep_alive};
use tokio::task::AbortHandle;
use tonic::{Code, Status};

use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::translate::lease_id;

/// The time to live, in seconds, of a lease that a caller did not bring: etcd's.
const SESSION_TTL: i64 = 60;

/// A refusal as etcd's services of locks and elections pass it on: they lose its code, and clients tell it by its text.
pub(super) fn unknown(refusal: Refusal) -> Status {
    Status::new(Code::Unknown, Status::from(refusal).message())
}

/// A lease that is kept alive until this is dropped.
pub(super) struct Session {
    lease: u64,
    keeper: AbortHandle,
}

impl Session {
    /// Keeps the caller's lease alive, or makes one for it, as etcd does where the id is 0.
    pub(super) async fn open<B: Backend>(gateway: &Arc<Gateway<B>>, lease: i64) -> Result<Self, Status> {
        let lease = if lease == 0 { grant(&**gateway, SESSION_TTL).await.map_err(unknown)? } else { lease_id(lease) };
        let kept = gateway.clone();
        // If it ends, whoever waits learns that when the turn comes.
        let keeper = tokio::spawn(async move { keep_alive(&*kept, lease).await });
        Ok(Self { lease, keeper: keeper.abort_handle() })
    }

    pub(super) const fn lease(&self) -> u64 {
        self.lease
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// A place in a queue, which is left when this is dropped, unless the turn is kept.
pub(super) struct Place<B: Backend> {
    gateway: Arc<Gateway<B>>,
    turn: Turn,
    is_kept: bool,
}

impl<B: Backend> Place<B> {
    pub(super) const fn new(gateway: Arc<Gateway<B>>, turn: Turn) -> Self {
        Self { gateway, turn, is_kept: false }
    }

    pub(super) const fn turn(&self) -> &Turn {
        &self.turn
    }

    /// It is the caller's from now on.
    pub(super) fn keep(mut self) -> Turn {
        self.is_kept = true;
        self.turn.clone()
    }
}

/// A caller that goes away has this dropped, on the runtime that answers calls.
impl<B: Backend> Drop for Place<B> {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let (gateway, turn) = (self.gateway.clone(), self.turn.clone());
        tokio::spawn(async move {
            if let Err(error) = turn.leave(&*gateway).await {
                tracing::warn!(?error, "a place in a queue was not left; its lease will end it");
            }
        });
    }
}
