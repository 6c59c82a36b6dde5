//! `v3electionpb.Election`.

use std::sync::Arc;

use tetrarch_kv_client::Backend;
use tetrarch_kv_client::turns::{Observer, Queue, Turn, TurnError};
use tokio::sync::mpsc;
use tonic::{Code, Status};

use super::call::Replies;
use super::session::{Place, Session, unknown};
use crate::gateway::Gateway;
use crate::messages::election::{
    CampaignRequest, CampaignResponse, LeaderKey, LeaderRequest, LeaderResponse, ProclaimRequest, ProclaimResponse,
    ResignRequest, ResignResponse,
};
use crate::refusal::Refusal;
use crate::translate::{etcd_lease_id, key_value, lease_id, signed, unsigned};

/// Answers when the caller leads. One that goes away before gives its place up.
pub(super) async fn campaign<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: CampaignRequest,
) -> Result<CampaignResponse, Status> {
    let session = Session::open(&gateway, message.lease).await?;
    let queue = Queue::new(message.name.clone());
    let turn = queue.enter(&*gateway, session.lease(), &message.value).await.map_err(refused)?;
    let place = Place::new(gateway.clone(), turn);
    let revision = queue.wait(&*gateway, place.turn()).await.map_err(refused)?;
    let Turn { key, revision: rev, lease } = place.keep();
    let leader = LeaderKey { name: message.name, key, rev: signed(rev), lease: etcd_lease_id(lease) };
    Ok(CampaignResponse { header: Some(gateway.header(revision)), leader: Some(leader) })
}

pub(super) async fn proclaim<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: ProclaimRequest,
) -> Result<ProclaimResponse, Status> {
    let turn = turn(message.leader)?;
    let revision = turn.proclaim(&*gateway, &message.value).await.map_err(refused)?;
    Ok(ProclaimResponse { header: Some(gateway.header(revision)) })
}

pub(super) async fn leader<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: LeaderRequest,
) -> Result<LeaderResponse, Status> {
    let (first, revision) = Queue::new(message.name).first(&*gateway).await.map_err(refused)?;
    Ok(LeaderResponse { header: Some(gateway.header(revision)), kv: Some(key_value(first)) })
}

pub(super) async fn resign<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: ResignRequest,
) -> Result<ResignResponse, Status> {
    let revision = turn(message.leader)?.leave(&*gateway).await.map_err(refused)?;
    Ok(ResignResponse { header: Some(gateway.header(revision)) })
}

/// Every leader from now on, and every value that it proclaims.
pub(super) async fn observe<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: LeaderRequest,
) -> Result<Replies<LeaderResponse>, Status> {
    let (replies, observed) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            () = tell(&gateway, Queue::new(message.name), &replies) => {}
            () = replies.closed() => {}
        }
    });
    Ok(observed)
}

/// Ends with the first failure, or when the caller is gone.
async fn tell<B: Backend>(gateway: &Gateway<B>, queue: Queue, replies: &mpsc::Sender<Result<LeaderResponse, Status>>) {
    let mut observer = Observer::new(gateway, queue);
    loop {
        let observed = observer.next().await.map_err(refused);
        let failed = observed.is_err();
        let reply = observed.map(|(leader, revision)| LeaderResponse {
            header: Some(gateway.header(revision)),
            kv: Some(key_value(leader)),
        });
        if replies.send(reply).await.is_err() || failed {
            return;
        }
    }
}

fn turn(leader: Option<LeaderKey>) -> Result<Turn, Status> {
    let missing = || Status::new(Code::Unknown, "\"leader\" field must be provided");
    let LeaderKey { key, rev, lease, .. } = leader.ok_or_else(missing)?;
    Ok(Turn { key, revision: unsigned(rev), lease: lease_id(lease) })
}

/// In the words of etcd's `concurrency` package, which its election service lets through.
fn refused(error: TurnError<Refusal>) -> Status {
    let text = match error {
        TurnError::Store(refusal) => return unknown(refusal),
        TurnError::Lost => "election: session is expired",
        TurnError::Over => "election: not leader",
        TurnError::Nobody => "election: no leader",
    };
    Status::new(Code::Unknown, text)
}
