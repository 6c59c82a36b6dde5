//! Where everything of a testnet lies on disk.

use std::path::{Path, PathBuf};

/// The paths below one testnet directory.
///
/// ```text
///   testnet.json        the marker: what this directory is (see `Description`)
///   genesis.json        the chain
///   client.pem          a client's key, mode 0600
///   supervisor.pid      locked by the supervisor while it runs
///   control.sock        where it takes commands, mode 0600
///   up.log              what a detached supervisor has to say
///   gateway/            identity.pem, identity.pem.nonces, log/gateway.log
///   replica-K/          node.toml, key.pem, data/, log/node.log, log/node.log.1
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below `root`, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The marker file.
    pub fn marker(&self) -> PathBuf {
        self.root.join("testnet.json")
    }

    /// The chain's genesis.
    pub fn genesis(&self) -> PathBuf {
        self.root.join("genesis.json")
    }

    /// The client's key.
    pub fn client_key(&self) -> PathBuf {
        self.root.join("client.pem")
    }

    /// The file that a running supervisor holds locked and writes its process id into.
    pub fn pid_file(&self) -> PathBuf {
        self.root.join("supervisor.pid")
    }

    /// The supervisor's socket.
    pub fn control(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// What a detached supervisor has to say.
    pub fn up_log(&self) -> PathBuf {
        self.root.join("up.log")
    }

    /// The gateway's directory.
    pub fn gateway(&self) -> PathBuf {
        self.root.join("gateway")
    }

    /// The gateway's key.
    pub fn gateway_key(&self) -> PathBuf {
        self.gateway().join("identity.pem")
    }

    /// The gateway's log.
    pub fn gateway_log(&self) -> PathBuf {
        self.gateway().join("log").join("gateway.log")
    }

    /// One replica's directory.
    pub fn replica(&self, replica: u16) -> PathBuf {
        self.root.join(format!("replica-{replica}"))
    }

    /// One replica's configuration.
    pub fn config(&self, replica: u16) -> PathBuf {
        self.replica(replica).join("node.toml")
    }

    /// One replica's key.
    pub fn key(&self, replica: u16) -> PathBuf {
        self.replica(replica).join("key.pem")
    }

    /// One replica's data.
    pub fn data(&self, replica: u16) -> PathBuf {
        self.replica(replica).join("data")
    }

    /// One replica's log, the file written now; older text is beside it with `.1` behind its name.
    pub fn log(&self, replica: u16) -> PathBuf {
        self.replica(replica).join("log").join("node.log")
    }
}
