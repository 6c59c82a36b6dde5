//! The data directory: what is in it, and its making by `init`.
//!
//! ```text
//!   data/            0700
//!   ├── db/           RocksDB: the state, the ledger, the journal of this replica's votes, evidence
//!   ├── db.snapshots/ frozen copies at the latest checkpoints, sharing files with db/
//!   ├── db.damaged/   a database that was set aside because it could not be read; may be removed
//!   └── journal.mark  how far the journal went, and its last records again: tells a cut journal from a short one
//! ```
//!
//! An empty directory is not a new replica: it may be one that lost its votes. So the first start is an `init` of its own, and a
//! start without one comes back from the others, silent until it is safe; a chain of one replica refuses it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tetrarch_kv::{Execution, KvMachine, OpenError, StateMachine};
use tetrarch_storage::{HighWaterMark, JOURNAL, JournalError, Mark, MarkFile, RocksStore, StoreError, Table};

use crate::evidence::EVIDENCE;
use crate::{Identity, NodeConfig, NodeError};

pub(crate) const DATABASE: &str = "db";
pub(crate) const MARK: &str = "journal.mark";

/// Every table of a node's store: those of the state machine's execution, the journal's, and the evidence's.
pub fn tables<M: StateMachine>(machine: &M) -> Vec<Table> {
    let mut tables = Execution::<M, Arc<RocksStore>>::tables(machine);
    tables.extend([JOURNAL, EVIDENCE]);
    tables
}

/// Prepares a node's first start: makes its data directory, with the start of the genesis file's chain in it. Once in a replica's life.
///
/// # Errors
/// [`NodeError::AlreadyThere`] if there is anything in the way, [`NodeError`] for files that are not what they should be.
pub fn init(config: &NodeConfig) -> Result<(), NodeError> {
    let identity = Identity::load(config)?;
    let path = &config.data_dir;
    make_directory(path)?;
    // The mark first, and set: a directory without one has lost it, and perhaps votes with it (rule A-2).
    let _mark = MarkFile::create(&path.join(MARK)).map_err(|error| store_error(path, error))?;
    let store =
        RocksStore::open(&path.join(DATABASE), &tables(&KvMachine)).map_err(|error| store_error(path, error))?;
    Execution::<KvMachine, _>::init(&store, identity.membership()).map_err(|error| open_error(config, error))
}

/// What to say of a directory that has a mark but no state. A mark behind its origin says that there were votes.
pub(crate) fn without_state(config: &NodeConfig, mark: &dyn HighWaterMark) -> NodeError {
    let path = config.data_dir.clone();
    match mark.read() {
        Ok(Some(held)) if held.mark.index > Mark::ORIGIN.index => {
            NodeError::JournalUnsafe { path, source: JournalError::TailCut { have: 0, mark: held.mark.index } }
        }
        Ok(_) => NodeError::HalfInitialised { path, config: config.file_or_placeholder() },
        Err(error) => store_error(&path, error),
    }
}

/// Says an error of opening the state in the node's terms.
pub(crate) fn open_error(config: &NodeConfig, error: OpenError) -> NodeError {
    let path = config.data_dir.clone();
    match error {
        OpenError::NotInitialised => NodeError::HalfInitialised { path, config: config.file_or_placeholder() },
        OpenError::AlreadyInitialised { .. } => NodeError::AlreadyThere { path },
        OpenError::OtherGenesis { ours, theirs } => NodeError::OtherChain { path, found: theirs, expected: ours },
        OpenError::Store(error) => store_error(&path, error),
        other => NodeError::State { path, problem: other.to_string() },
    }
}

/// Says an error of the store in the node's terms.
pub(crate) fn store_error(path: &Path, error: StoreError) -> NodeError {
    match error {
        StoreError::Locked { .. } => NodeError::Locked { path: path.to_owned() },
        source => NodeError::Store { path: path.to_owned(), source },
    }
}

pub(crate) fn not_initialised(config: &NodeConfig) -> NodeError {
    NodeError::NotInitialised { path: config.data_dir.clone(), config: config.file_or_placeholder() }
}

/// Makes the directory for its owner only, or takes one that is there and empty.
pub(crate) fn make_directory(path: &Path) -> Result<(), NodeError> {
    let failed = |doing| move |source| NodeError::Io { doing, path: path.to_owned(), source };
    match fs::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            Some(_) => return Err(NodeError::AlreadyThere { path: path.to_owned() }),
            None => fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed("set the mode of"))?,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("create"))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(NodeError::AlreadyThere { path: path.to_owned() });
        }
        Err(error) => return Err(failed("look into")(error)),
    }
    sync(&parent(path)).map_err(failed("sync the parent of"))
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Makes a directory's entries survive a power failure.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
