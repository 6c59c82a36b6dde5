//! A node's life as a liar.

use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use tetrarch_server::{Identity, NodeConfig, NodeError, run_behind};

use crate::Corruption;
use crate::clock;
use crate::liar::Liar;

/// Runs a node that lies until `shutdown` is ready.
///
/// # Errors
/// As for [`tetrarch_server::run`].
pub async fn run(
    config: NodeConfig,
    corruption: Corruption,
    shutdown: impl Future<Output = ()>,
) -> Result<(), NodeError> {
    let identity = Identity::load(&config)?;
    let Corruption { mode, seed } = corruption;
    tracing::warn!(replica = %identity.id(), %mode, seed, "this replica is corrupted on purpose: it lies to the others and to clients");
    let liar = Liar::new(&identity, corruption, Duration::from_millis(config.base_timeout_ms));
    let not_its_key = || NodeError::NotAMember { key: config.key.clone(), genesis: config.genesis.clone() };
    let liar = Arc::new(liar.ok_or_else(not_its_key)?);
    let own = Arc::clone(&liar);
    let thread = Builder::new().name("liar".to_owned()).spawn(move || clock::run(&own));
    let thread = thread.map_err(|source| NodeError::Thread { name: "liar", source })?;
    let ended = run_behind(config, Arc::clone(&liar) as _, shutdown).await;
    liar.end();
    if thread.join().is_err() {
        tracing::error!("the liar's own clock panicked: a defect of the harness");
    }
    ended
}
