//! `etcdserverpb.Lease`, but for keepalives.

use std::sync::Arc;
use std::time::Duration;

use tetrarch_kv::store::{LeaseState, ListedLease};
use tetrarch_kv::{Answered, KvError, KvQuery, QueryAnswer, Request, Response};
use tetrarch_kv_client::Backend;
use tetrarch_kv_client::turns::draw_lease_id;
use tetrarch_types::Timestamp;
use tonic::Status;

use super::kv::in_kind;
use crate::gateway::Gateway;
use crate::limits::MAX_LEASE_PAGES;
use crate::messages::lease::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseLeasesRequest, LeaseLeasesResponse, LeaseRevokeRequest,
    LeaseRevokeResponse, LeaseStatus, LeaseTimeToLiveRequest, LeaseTimeToLiveResponse,
};
use crate::refusal::Refusal;
use crate::translate::{etcd_lease_id, lease_id, signed};

/// An id that is 0 is drawn here, before ordering, so that every replica executes the same one.
pub(super) async fn grant<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: LeaseGrantRequest,
) -> Result<LeaseGrantResponse, Status> {
    let id = if message.id == 0 { draw_lease_id().map_err(Refusal::from)? } else { lease_id(message.id) };
    let answered = gateway.order(Request::LeaseGrant { id, ttl: message.ttl }).await?;
    let Answered { revision, response: Response::LeaseGranted { id, ttl } } = answered else { return in_kind(None) };
    let header = Some(gateway.header(revision));
    Ok(LeaseGrantResponse { header, id: etcd_lease_id(id), ttl: signed(ttl), error: String::new() })
}

pub(super) async fn revoke<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: LeaseRevokeRequest,
) -> Result<LeaseRevokeResponse, Status> {
    let answered = gateway.order(Request::LeaseRevoke { id: lease_id(message.id) }).await?;
    let Answered { revision, response: Response::LeaseRevoked } = answered else { return in_kind(None) };
    Ok(LeaseRevokeResponse { header: Some(gateway.header(revision)) })
}

pub(super) async fn time_to_live<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: LeaseTimeToLiveRequest,
) -> Result<LeaseTimeToLiveResponse, Status> {
    let query = KvQuery::Lease { id: lease_id(message.id), keys: message.keys };
    let lease = |answer| if let QueryAnswer::Lease(lease) = answer { Some(lease) } else { None };
    let looked = gateway.look(&query, lease).await?;
    let header = Some(gateway.header(looked.revision));
    let now = gateway.backend().now();
    // A lease whose deadline has passed is as good as gone.
    Ok(match looked.answer.filter(|lease| lease.deadline > now) {
        Some(LeaseState { ttl, deadline, keys }) => LeaseTimeToLiveResponse {
            header,
            id: message.id,
            ttl: signed(remaining(deadline, now).as_secs()),
            granted_ttl: signed(ttl),
            keys,
        },
        None => LeaseTimeToLiveResponse { header, id: message.id, ttl: -1, granted_ttl: 0, keys: Vec::new() },
    })
}

pub(super) async fn list<B: Backend>(
    gateway: Arc<Gateway<B>>,
    _: LeaseLeasesRequest,
) -> Result<LeaseLeasesResponse, Status> {
    let (revision, listed) = all(&gateway).await?;
    let leases = listed.into_iter().map(|lease| LeaseStatus { id: etcd_lease_id(lease.id) }).collect();
    Ok(LeaseLeasesResponse { header: Some(gateway.header(revision)), leases })
}

/// All leases, by id, and the store's revision at the last page of them. Each page is what the leases were behind one batch.
pub(super) async fn all<B: Backend>(gateway: &Gateway<B>) -> Result<(u64, Vec<ListedLease>), Refusal> {
    let page = |answer| if let QueryAnswer::Leases(list) = answer { Some(list) } else { None };
    let (mut all, mut from) = (Vec::new(), 0);
    for _ in 0..MAX_LEASE_PAGES {
        let looked = gateway.look(&KvQuery::Leases { from }, page).await?;
        let next = looked.answer.next();
        all.extend(looked.answer.leases);
        match next {
            Some(behind) => from = behind,
            None => return Ok((looked.revision, all)),
        }
    }
    Err(KvError::AnswerTooLarge.into())
}

fn remaining(deadline: Timestamp, now: Timestamp) -> Duration {
    deadline.distance(now)
}
