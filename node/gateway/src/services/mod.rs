//! Every method that is answered, by its name on the wire.

mod absent;
mod auth;
mod call;
mod cluster;
mod election;
mod health;
mod json;
mod keepalive;
mod kv;
mod leader;
mod lease;
mod lock;
mod maintenance;
mod move_leader;
mod pages;
mod prompt;
mod reading;
mod session;
mod snapshot;
mod turns;
mod watch;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use axum::routing::get;
use call::{Reply, answering, streaming, unary};
use http::{StatusCode, Version, header};
use tetrarch_kv_client::Backend;
use tonic::Status;

use crate::connections::Ends;
use crate::gateway::Gateway;
use crate::hosts;
use crate::messages::cluster::MemberListRequest;

/// All that is served.
pub(crate) fn router<B: Backend>(gateway: Arc<Gateway<B>>) -> axum::Router {
    axum::Router::new()
        .route("/health", get(pages::health::<B>))
        .route("/version", get(pages::version))
        .route("/metrics", get(pages::metrics::<B>))
        .merge(json::routes())
        .fallback(answer::<B>)
        .with_state(gateway)
}

async fn answer<B: Backend>(State(gateway): State<Arc<Gateway<B>>>, request: Request) -> axum::response::Response {
    if !is_grpc(&request) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let metrics = gateway.metrics.clone();
    metrics.counted(request, async |request| checked(gateway, request).await.map(Body::new)).await
}

/// As etcd has it, there is none over HTTP/1: a stream of it, in which the client has all the time there is, could keep a connection on which nobody answers
/// a ping.
fn is_grpc(request: &Request) -> bool {
    if request.version() != Version::HTTP_2 {
        return false;
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

async fn checked<B: Backend>(gateway: Arc<Gateway<B>>, request: Request) -> Reply {
    match leader::check(&gateway, request.headers()) {
        Ok(()) => grpc(gateway, request).await,
        Err(refusal) => Status::from(refusal).into_http(),
    }
}

async fn grpc<B: Backend>(gateway: Arc<Gateway<B>>, request: Request) -> Reply {
    match request.uri().path() {
        "/etcdserverpb.KV/Range" => unary(gateway, request, kv::range).await,
        "/etcdserverpb.KV/Put" => unary(gateway, request, kv::put).await,
        "/etcdserverpb.KV/DeleteRange" => unary(gateway, request, kv::delete_range).await,
        "/etcdserverpb.KV/Txn" => unary(gateway, request, kv::txn).await,
        "/etcdserverpb.KV/Compact" => unary(gateway, request, kv::compact).await,
        "/etcdserverpb.Lease/LeaseGrant" => unary(gateway, request, lease::grant).await,
        "/etcdserverpb.Lease/LeaseRevoke" => unary(gateway, request, lease::revoke).await,
        "/etcdserverpb.Lease/LeaseKeepAlive" => streaming(gateway, request, keepalive::keep_alive).await,
        "/etcdserverpb.Lease/LeaseTimeToLive" => unary(gateway, request, lease::time_to_live).await,
        "/etcdserverpb.Lease/LeaseLeases" => unary(gateway, request, lease::list).await,
        "/etcdserverpb.Watch/Watch" => {
            let host = request.extensions().get().map_or(hosts::own(), |ends: &Ends| ends.host);
            let answer = move |gateway, requests| watch::watch(gateway, requests, host);
            streaming(gateway, request, answer).await
        }
        "/etcdserverpb.Maintenance/Alarm" => unary(gateway, request, maintenance::alarm).await,
        "/etcdserverpb.Maintenance/Status" => unary(gateway, request, maintenance::status).await,
        "/etcdserverpb.Maintenance/Defragment" => unary(gateway, request, maintenance::defragment).await,
        "/etcdserverpb.Maintenance/Hash" => unary(gateway, request, maintenance::hash).await,
        "/etcdserverpb.Maintenance/HashKV" => unary(gateway, request, maintenance::hash_kv).await,
        "/etcdserverpb.Maintenance/Snapshot" => answering(gateway, request, snapshot::snapshot).await,
        "/etcdserverpb.Maintenance/MoveLeader" => unary(gateway, request, move_leader::move_leader).await,
        "/etcdserverpb.Cluster/MemberList" => {
            let ends = request.extensions().get().copied();
            let answer = move |gateway, _: MemberListRequest| cluster::member_list(gateway, ends);
            unary(gateway, request, answer).await
        }
        "/etcdserverpb.Auth/Authenticate" => unary(gateway, request, auth::authenticate).await,
        "/etcdserverpb.Auth/AuthStatus" => unary(gateway, request, auth::status).await,
        "/v3lockpb.Lock/Lock" => unary(gateway, request, lock::lock).await,
        "/v3lockpb.Lock/Unlock" => unary(gateway, request, lock::unlock).await,
        "/v3electionpb.Election/Campaign" => unary(gateway, request, election::campaign).await,
        "/v3electionpb.Election/Proclaim" => unary(gateway, request, election::proclaim).await,
        "/v3electionpb.Election/Leader" => unary(gateway, request, election::leader).await,
        "/v3electionpb.Election/Observe" => answering(gateway, request, election::observe).await,
        "/v3electionpb.Election/Resign" => unary(gateway, request, election::resign).await,
        "/grpc.health.v1.Health/Check" => unary(gateway, request, health::check).await,
        path => absent::refusal(path).into_http(),
    }
}
