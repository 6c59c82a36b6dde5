//! A node's configuration file.
//!
//! ```toml
//! genesis = "genesis.json"         # paths are relative to this file's folder
//! key = "node.key"
//! data_dir = "data"
//!
//! [log]
//! filter = "info,quinn=warn"
//! ```
//!
//! Everything has a default and an unknown name is an error. What all replicas must share is in the genesis file, not here.

mod identity;
mod load;
mod sections;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tetrarch_kv::Retention;

pub use identity::Identity;
pub use sections::{ClientConfig, LogConfig, LogFormat, PoolConfig, StartCheck};

/// One node's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// The genesis file. Default: `genesis.json` beside the configuration.
    pub genesis: PathBuf,
    /// The replica's key: PKCS#8 in PEM, mode 0600. Its public half says which member this node is. Default: `node.key`.
    pub key: PathBuf,
    /// A file whose first line is the key's passphrase. Default: none, the key is not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_passphrase_file: Option<PathBuf>,
    /// The directory that the node keeps its state and votes in. Default: `data`.
    pub data_dir: PathBuf,
    /// Where to listen for the other replicas. Default: this replica's peer address in the genesis file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_listen: Option<SocketAddr>,
    /// Where to listen for clients. Default: this replica's client address in the genesis file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_listen: Option<SocketAddr>,
    /// How long a view may go without progress while requests wait, before the first doubling. Default: 1000.
    pub base_timeout_ms: u64,
    /// The most that doubling makes of it. Default: 30000.
    pub max_timeout_ms: u64,
    /// Threads that check signatures of proposals and clients; votes have one of their own. Default: 2, since several replicas
    /// may share a machine.
    pub verifier_workers: usize,
    /// How many executed batches are kept for replicas that lag behind a little, and for receipts. Default: 1024.
    pub ledger_batches: u64,
    /// How much of what is on the disk a start checks: `cold` reads every row, `hot` goes on from the latest checkpoint. Default: cold.
    pub recovery: StartCheck,
    /// Where to dial other replicas, by id, in place of their addresses in the genesis file. Default: empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub peer_addresses: BTreeMap<String, SocketAddr>,
    /// Logging.
    pub log: LogConfig,
    /// Bounds of the pool of waiting transactions.
    pub pool: PoolConfig,
    /// Bounds against clients.
    pub clients: ClientConfig,
    /// The file that this was read from, for error messages; not part of it.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            genesis: "genesis.json".into(),
            key: "node.key".into(),
            key_passphrase_file: None,
            data_dir: "data".into(),
            peer_listen: None,
            client_listen: None,
            base_timeout_ms: 1_000,
            max_timeout_ms: 30_000,
            verifier_workers: 2,
            ledger_batches: Retention::default().batches,
            recovery: StartCheck::default(),
            peer_addresses: BTreeMap::new(),
            log: LogConfig::default(),
            pool: PoolConfig::default(),
            clients: ClientConfig::default(),
            file: None,
        }
    }
}

impl NodeConfig {
    /// What stands behind `--config` in the commands that error messages name.
    pub(crate) fn file_or_placeholder(&self) -> PathBuf {
        self.file.clone().unwrap_or_else(|| "FILE".into())
    }
}
