//! `etcdserverpb.Maintenance`.

use std::sync::Arc;

use tetrarch_kv::{KvQuery, QueryAnswer};
use tetrarch_kv_client::Backend;
use tonic::Status;

use super::absent::because;
use crate::gateway::{Gateway, Looked};
use crate::messages::maintenance::{
    AlarmAction, AlarmRequest, AlarmResponse, DefragmentRequest, DefragmentResponse, HashKvRequest, HashKvResponse,
    HashRequest, HashResponse, StatusRequest, StatusResponse,
};
use crate::refusal::Refusal;
use crate::translate::{self, signed, unsigned};

/// The version of etcd that is spoken.
pub(crate) const ETCD_VERSION: &str = "3.5.0";

/// No alarm is ever on, so none can be turned off: what a cluster lacks stands in its status.
pub(super) async fn alarm<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: AlarmRequest,
) -> Result<AlarmResponse, Status> {
    if AlarmAction::try_from(message.action) == Ok(AlarmAction::Activate) {
        return Err(because("alarms are not raised by clients"));
    }
    let status = gateway.status().await?;
    Ok(AlarmResponse { header: Some(gateway.header(status.revision)), alarms: Vec::new() })
}

pub(super) async fn status<B: Backend>(gateway: Arc<Gateway<B>>, _: StatusRequest) -> Result<StatusResponse, Status> {
    let status = gateway.status().await?;
    Ok(StatusResponse {
        // Of the same moment as the leader below: `etcdctl move-leader` looks for an endpoint where both are the same.
        header: Some(translate::header(status.standing, status.revision)),
        version: ETCD_VERSION.to_owned(),
        db_size: signed(status.stored_bytes),
        leader: status.standing.member_id,
        raft_index: status.executed,
        raft_term: status.standing.view,
        raft_applied_index: status.executed,
        errors: status.troubles,
        db_size_in_use: signed(status.stored_bytes),
        is_learner: false,
    })
}

/// Replicas give disk back by themselves, so there is nothing to do.
pub(super) async fn defragment<B: Backend>(
    gateway: Arc<Gateway<B>>,
    _: DefragmentRequest,
) -> Result<DefragmentResponse, Status> {
    let status = gateway.status().await?;
    Ok(DefragmentResponse { header: Some(gateway.header(status.revision)) })
}

pub(super) async fn hash<B: Backend>(gateway: Arc<Gateway<B>>, _: HashRequest) -> Result<HashResponse, Status> {
    let looked = chain(&gateway, 0).await?;
    Ok(HashResponse { header: Some(gateway.header(looked.revision)), hash: looked.answer })
}

pub(super) async fn hash_kv<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: HashKvRequest,
) -> Result<HashKvResponse, Status> {
    let looked = chain(&gateway, unsigned(message.revision)).await?;
    Ok(HashKvResponse {
        header: Some(gateway.header(looked.revision)),
        hash: looked.answer,
        compact_revision: signed(looked.compacted),
    })
}

/// The first bits of the hash of all that happened up to a revision: as with etcd's hash, stores that differ have another.
async fn chain<B: Backend>(gateway: &Gateway<B>, revision: u64) -> Result<Looked<u32>, Refusal> {
    let first = |answer| match answer {
        QueryAnswer::Hash { chain, .. } => chain.as_bytes().first_chunk().map(|bytes| u32::from_be_bytes(*bytes)),
        _ => None,
    };
    gateway.look(&KvQuery::Hash { revision }, first).await
}
