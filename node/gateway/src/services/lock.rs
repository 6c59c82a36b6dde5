//! `v3lockpb.Lock`.

use std::sync::Arc;

use tetrarch_kv::{Answered, Request, Response};
use tetrarch_kv_client::Backend;
use tetrarch_kv_client::turns::{Queue, TurnError};
use tonic::{Code, Status};

use super::kv::in_kind;
use super::session::{Place, Session, unknown};
use crate::gateway::Gateway;
use crate::messages::lock::{LockRequest, LockResponse, UnlockRequest, UnlockResponse};
use crate::refusal::Refusal;

/// Answers when the lock is held. A caller that goes away before gives its place up.
pub(super) async fn lock<B: Backend>(gateway: Arc<Gateway<B>>, message: LockRequest) -> Result<LockResponse, Status> {
    let session = Session::open(&gateway, message.lease).await?;
    let queue = Queue::new(message.name);
    let turn = queue.enter(&*gateway, session.lease(), b"").await.map_err(refused)?;
    let place = Place::new(gateway.clone(), turn);
    let revision = queue.wait(&*gateway, place.turn()).await.map_err(refused)?;
    Ok(LockResponse { header: Some(gateway.header(revision)), key: place.keep().key })
}

pub(super) async fn unlock<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: UnlockRequest,
) -> Result<UnlockResponse, Status> {
    let answered = gateway.order(Request::delete(message.key)).await.map_err(unknown)?;
    let Answered { revision, response: Response::Deleted { .. } } = answered else { return in_kind(None) };
    Ok(UnlockResponse { header: Some(gateway.header(revision)) })
}

/// In the words of etcd's `concurrency` package, which its lock service lets through.
fn refused(error: TurnError<Refusal>) -> Status {
    match error {
        TurnError::Store(refusal) => unknown(refusal),
        TurnError::Lost | TurnError::Over | TurnError::Nobody => {
            Status::new(Code::Unknown, "mutex: session is expired")
        }
    }
}
