//! `grpc.health.v1.Health`.

use std::sync::Arc;

use tetrarch_kv_client::Backend;
use tonic::Status;

use crate::gateway::Gateway;
use crate::messages::health::{HealthCheckRequest, HealthCheckResponse, ServingStatus};

/// The gateway serves as long as the cluster answers it. As with etcd, only the whole server has a name here: the empty one.
pub(super) async fn check<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: HealthCheckRequest,
) -> Result<HealthCheckResponse, Status> {
    if !message.service.is_empty() {
        return Err(Status::not_found("unknown service"));
    }
    let serving = gateway.status().await.is_ok();
    let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    Ok(HealthCheckResponse { status: status.into() })
}
