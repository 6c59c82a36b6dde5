//! The directory of a node that does not run.

use std::path::{Path, PathBuf};

use tetrarch_server::NodeConfig;
use tetrarch_storage::{MarkFile, Marked, RocksReader, RocksStore, StoreError};
use tetrarch_types::Membership;

use crate::cluster::read_genesis;
use crate::failure::{Class, Failure};
use crate::node;

/// A node's data directory, and the chain it belongs to where that is known.
pub(crate) struct Stopped {
    data: PathBuf,
    genesis: Option<PathBuf>,
}

impl Stopped {
    /// The data directory of a configuration.
    pub(crate) fn of(config: &NodeConfig) -> Self {
        Self { data: config.data_dir.clone(), genesis: Some(config.genesis.clone()) }
    }

    /// Looks for a configuration in `dir`, or for a node's data there and a configuration above it.
    pub(super) fn find(dir: &Path, genesis: Option<PathBuf>) -> Result<Self, Failure> {
        let config = dir.join("node.toml");
        if config.exists() {
            let config = NodeConfig::load(&config).map_err(|error| node::failure(&error))?;
            return Ok(Self { data: config.data_dir, genesis: Some(genesis.unwrap_or(config.genesis)) });
        }
        if !dir.join("db").exists() && !dir.join("journal.mark").exists() {
            let happened = "there is no node.toml in it, and no node's data";
            let next = "name a node's directory, as ./tetrarch-testnet/replica-0";
            return Err(Failure::usage(format!("cannot look into {}", dir.display()), happened, next));
        }
        Ok(Self { data: dir.to_owned(), genesis: genesis.or_else(|| genesis_above(dir)) })
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The database in it.
    pub(crate) fn database(&self) -> PathBuf {
        self.data.join("db")
    }

    /// The snapshots beside it.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.data.join("db.snapshots")
    }

    /// Opens the database so that it can only be read.
    ///
    /// # Errors
    /// While the node runs, and when the database cannot be opened.
    pub(crate) fn open(&self, tried: &str) -> Result<RocksReader, Failure> {
        RocksStore::open_read_only(&self.database()).map_err(|error| sentence(tried, &error))
    }

    /// How far the records of its votes went; none if it never voted.
    pub(crate) fn mark(&self) -> Result<Option<Marked>, StoreError> {
        MarkFile::peek(&self.data.join("journal.mark"))
    }

    /// Who vouches for its checkpoints.
    pub(crate) fn membership(&self, tried: &str) -> Result<Membership, Failure> {
        let path = self.genesis.as_ref().ok_or_else(|| {
            let happened = format!("there is no configuration beside {} that names the chain", self.data.display());
            Failure::usage(tried, happened, "name the node's own directory, or the chain's file with --genesis")
        })?;
        Ok(read_genesis(path)?.membership())
    }
}

/// The genesis that the configuration above a data directory names.
fn genesis_above(data: &Path) -> Option<PathBuf> {
    let data = data.canonicalize().ok()?;
    let config = NodeConfig::load(&data.parent()?.join("node.toml")).ok()?;
    config.data_dir.canonicalize().is_ok_and(|of_config| of_config == data).then_some(config.genesis)
}

/// What the store says, in the three parts of a failure.
pub(crate) fn sentence(tried: &str, error: &StoreError) -> Failure {
    if let StoreError::Locked { path } = error {
        let happened = format!("the node is running: it has {} open", path.display());
        return Failure::failed(tried, happened, "stop it first (`tetrarch testnet kill K`, or end its process)");
    }
    let text = error.to_string();
    let text = text.trim_end_matches('.');
    let (happened, next) = text.rsplit_once(". ").unwrap_or((text, ""));
    Failure::new(Class::Failed, tried, happened, next)
}
