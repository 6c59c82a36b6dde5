//! Calls that are not to be served without a leader: those with `hasleader` in their metadata, as Go's `WithRequireLeader` has it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderMap;
use tetrarch_kv_client::Backend;

use crate::gateway::Gateway;
use crate::limits::LEADER_PATIENCE;
use crate::refusal::Refusal;

/// Comes to be when there has been no leader for long.
pub(super) type Lost = Pin<Box<dyn Future<Output = ()> + Send>>;

fn is_required(headers: &HeaderMap) -> bool {
    headers.get("hasleader").is_some_and(|value| value == "true")
}

/// # Errors
/// If a leader is required, and there is none.
pub(super) fn check<B: Backend>(gateway: &Gateway<B>, headers: &HeaderMap) -> Result<(), Refusal> {
    let is_lost = is_required(headers) && gateway.backend().leader_seen() > LEADER_PATIENCE;
    if is_lost { Err(Refusal::NoLeader) } else { Ok(()) }
}

/// What ends a stream that requires a leader; none for others.
pub(super) fn lost<B: Backend>(gateway: &Arc<Gateway<B>>, headers: &HeaderMap) -> Option<Lost> {
    let gateway = gateway.clone();
    is_required(headers).then(|| -> Lost { Box::pin(until_lost(gateway)) })
}

async fn until_lost<B: Backend>(gateway: Arc<Gateway<B>>) {
    while let Some(left) = LEADER_PATIENCE.checked_sub(gateway.backend().leader_seen()) {
        tokio::time::sleep(left).await;
    }
}
