//! `etcdserverpb.Cluster`.

use std::sync::Arc;

use tetrarch_kv_client::{Backend, Replica};
use tonic::Status;

use crate::connections::Ends;
use crate::gateway::Gateway;
use crate::messages::cluster::{Member, MemberListResponse};

/// The replicas. Clients that look up endpoints here come back to this gateway, whichever they choose: replicas do not speak etcd's API.
pub(super) async fn member_list<B: Backend>(
    gateway: Arc<Gateway<B>>,
    ends: Option<Ends>,
) -> Result<MemberListResponse, Status> {
    let status = gateway.status().await?;
    let here = ends.map_or(gateway.address.listening, |ends| ends.here);
    let member = |replica: Replica| Member {
        id: replica.id,
        name: replica.name,
        peer_urls: vec![replica.url],
        client_urls: gateway.address.urls(here),
        is_learner: false,
    };
    let members = status.replicas.into_iter().map(member).collect();
    Ok(MemberListResponse { header: Some(gateway.header(status.revision)), members })
}
