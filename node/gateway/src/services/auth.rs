//! `etcdserverpb.Auth`, as an etcd answers whose authentication is off. Clients that are given a user ask for a token first, and go on without one
//! where they are told so.

use std::sync::Arc;

use tetrarch_kv_client::Backend;
use tonic::Status;

use crate::gateway::Gateway;
use crate::messages::auth::{AuthStatusRequest, AuthStatusResponse, AuthenticateRequest, AuthenticateResponse};
use crate::refusal::Refusal;

/// The revision of an etcd's users and roles of which there are none yet.
const NO_USERS: u64 = 1;

/// There are no users, so there is no token for one.
pub(super) async fn authenticate<B: Backend>(
    _: Arc<Gateway<B>>,
    _: AuthenticateRequest,
) -> Result<AuthenticateResponse, Status> {
    Err(Refusal::AuthNotEnabled.into())
}

pub(super) async fn status<B: Backend>(
    gateway: Arc<Gateway<B>>,
    _: AuthStatusRequest,
) -> Result<AuthStatusResponse, Status> {
    let revision = gateway.status().await?.revision;
    Ok(AuthStatusResponse { header: Some(gateway.header(revision)), enabled: false, auth_revision: NO_USERS })
}
