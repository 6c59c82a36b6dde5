//! What the launcher knows of a node's own files: all of it goes through the server's library.

use tetrarch_server::NodeConfig;

use crate::{LaunchError, Layout};

/// Writes a replica's configuration and initialises its data directory. The key and the genesis are there already.
pub(crate) fn prepare(layout: &Layout, replica: u16) -> Result<(), LaunchError> {
    let path = layout.config(replica);
    crate::files::write(&path, config().to_toml().as_bytes())?;
    let failed = |error: tetrarch_server::NodeError| LaunchError::Node { replica, reason: error.to_string() };
    let config = NodeConfig::load(&path).map_err(failed)?;
    tetrarch_server::init(&config).map_err(failed)
}

/// The same for every replica: paths are relative to its directory, addresses stand in the genesis.
fn config() -> NodeConfig {
    NodeConfig {
        genesis: "../genesis.json".into(),
        key: "key.pem".into(),
        data_dir: "data".into(),
        ..NodeConfig::default()
    }
}
