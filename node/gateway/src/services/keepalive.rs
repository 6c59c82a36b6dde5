//! `etcdserverpb.Lease/LeaseKeepAlive`: a stream of leases that go on living.

use std::sync::Arc;

use tetrarch_kv::{Answered, Request, Response};
use tetrarch_kv_client::Backend;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::call::Replies;
use super::kv::in_kind;
use crate::gateway::{Gateway, in_time};
use crate::limits::KEEPALIVES_UNDER_WAY;
use crate::messages::lease::{LeaseKeepAliveRequest, LeaseKeepAliveResponse};
use crate::orderer::Pending;
use crate::translate::{etcd_lease_id, lease_id, signed};

/// Answers in the order of the requests. Several of them are under way at once, so that they can travel together.
pub(super) async fn keep_alive<B: Backend>(
    gateway: Arc<Gateway<B>>,
    requests: Streaming<LeaseKeepAliveRequest>,
) -> Result<Replies<LeaseKeepAliveResponse>, Status> {
    let (under_way, pending) = mpsc::channel(KEEPALIVES_UNDER_WAY);
    let (replies, answers) = mpsc::channel(1);
    tokio::spawn(order_all(gateway.clone(), requests, under_way));
    tokio::spawn(answer_all(gateway, pending, replies));
    Ok(answers)
}

/// One keepalive, outside of any stream.
pub(super) async fn once<B: Backend>(
    gateway: &Gateway<B>,
    message: LeaseKeepAliveRequest,
) -> Result<LeaseKeepAliveResponse, Status> {
    answer(gateway, order(gateway, message).await?).await
}

/// Ends when the client has said all, or nobody waits for the results any more.
async fn order_all<B: Backend>(
    gateway: Arc<Gateway<B>>,
    mut requests: Streaming<LeaseKeepAliveRequest>,
    under_way: mpsc::Sender<Result<Pending, Status>>,
) {
    loop {
        let message = tokio::select! {
            message = requests.message() => message,
            () = under_way.closed() => return,
        };
        let pending = match message {
            Ok(Some(message)) => order(&gateway, message).await,
            Ok(None) => return,
            Err(status) => Err(status),
        };
        let failed = pending.is_err();
        if under_way.send(pending).await.is_err() || failed {
            return;
        }
    }
}

async fn order<B: Backend>(gateway: &Gateway<B>, message: LeaseKeepAliveRequest) -> Result<Pending, Status> {
    Ok(gateway.submit(Request::LeaseKeepAlive { id: lease_id(message.id) }).await?)
}

/// Ends with the first failure, as etcd's stream does, or when the client is gone.
async fn answer_all<B: Backend>(
    gateway: Arc<Gateway<B>>,
    mut pending: mpsc::Receiver<Result<Pending, Status>>,
    replies: mpsc::Sender<Result<LeaseKeepAliveResponse, Status>>,
) {
    while let Some(next) = pending.recv().await {
        let reply = match next {
            Ok(pending) => answer(&gateway, pending).await,
            Err(status) => Err(status),
        };
        let failed = reply.is_err();
        if replies.send(reply).await.is_err() || failed {
            return;
        }
    }
}

async fn answer<B: Backend>(gateway: &Gateway<B>, pending: Pending) -> Result<LeaseKeepAliveResponse, Status> {
    let answered = in_time(pending.result()).await?;
    let Answered { revision, response: Response::LeaseKept { id, ttl } } = answered else { return in_kind(None) };
    let header = Some(gateway.header(revision));
    Ok(LeaseKeepAliveResponse { header, id: etcd_lease_id(id), ttl: signed(ttl) })
}
