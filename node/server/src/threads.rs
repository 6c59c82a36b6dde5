//! Threads and tasks with names, whose panics do not go unnoticed.

use std::future::Future;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crate::NodeError;
use crate::health::{HaltOnPanic, Health};

/// Runs a task. If it panics, the node halts.
pub(crate) async fn watch(name: &'static str, health: Arc<Health>, body: impl Future<Output = ()>) {
    let _guard = HaltOnPanic { health, thread: name };
    body.await;
}

/// Starts a named thread. If it panics, the node halts.
pub(crate) fn start(
    name: &'static str,
    health: &Arc<Health>,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, NodeError> {
    let guard = HaltOnPanic { health: Arc::clone(health), thread: name };
    let watched = move || {
        let _guard = guard;
        body();
    };
    Builder::new().name(format!("tetrarch-{name}")).spawn(watched).map_err(|source| NodeError::Thread { name, source })
}
