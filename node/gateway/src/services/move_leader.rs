//! `etcdserverpb.Maintenance/MoveLeader`: the primary gives way to the next one (rule V-10).

use std::sync::Arc;

use tetrarch_kv::{KvError, Request};
use tetrarch_kv_client::{Backend, ClusterStatus};
use tetrarch_types::{Timestamp, View};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::Status;

use crate::gateway::Gateway;
use crate::limits::{CALL_TIMEOUT, MOVE_LOOK};
use crate::messages::maintenance::{MoveLeaderRequest, MoveLeaderResponse};
use crate::refusal::Refusal;

/// Answers once the target leads, without a header, as etcd does.
pub(super) async fn move_leader<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: MoveLeaderRequest,
) -> Result<MoveLeaderResponse, Status> {
    let (until, before) = (Instant::now() + CALL_TIMEOUT, gateway.status().await?);
    let target = message.target_id;
    if target != before.standing.member_id {
        check(&before, target)?;
        let request = Request::MovePrimary { view: View::new(before.standing.view) };
        gateway.order(request).await.map_err(|refusal| in_seconds(refusal, gateway.backend().now()))?;
        let moved = timeout_at(until, follows(&gateway, before.standing.view, target)).await;
        if moved != Ok(true) {
            return Err(Refusal::MoveTookTooLong.into());
        }
    }
    Ok(MoveLeaderResponse { header: None })
}

/// Replicas lead in turn: only the next one can follow.
fn check(status: &ClusterStatus, target: u64) -> Result<(), Refusal> {
    if status.replicas.iter().all(|replica| replica.id != target) {
        return Err(Refusal::BadTransferee);
    }
    match status.replicas.iter().find(|replica| replica.id == status.next_primary) {
        Some(next) if next.id != target => Err(Refusal::NotNext { name: next.name.clone(), id: next.id }),
        _ => Ok(()),
    }
}

/// Clients know nothing of agreed time: they are told how long to wait.
fn in_seconds(refusal: Refusal, now: Timestamp) -> Refusal {
    match refusal {
        Refusal::Store(KvError::MovedRecently { next }) => {
            let micros = next.as_micros().saturating_sub(now.as_micros());
            Refusal::MovedRecently { seconds: micros.div_ceil(1_000_000).max(1) }
        }
        other => other,
    }
}

/// Waits until a view behind this one has begun, as f + 1 replicas say; whether the target is its primary.
async fn follows<B: Backend>(gateway: &Gateway<B>, view: u64, target: u64) -> bool {
    loop {
        if let Ok(ClusterStatus { standing, has_begun: true, .. }) = gateway.status().await
            && standing.view > view
        {
            return standing.member_id == target;
        }
        sleep(MOVE_LOOK).await;
    }
}
