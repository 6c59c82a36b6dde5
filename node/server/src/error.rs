//! Why a node does not start, in sentences: what was tried, what happened, what to do next.

use std::io;
use std::path::PathBuf;

use tetrarch_crypto::{Digest, KeyFileError};
use tetrarch_replica::Corrupt;
use tetrarch_storage::{JournalError, StoreError};
use tetrarch_transport::TransportError;
use tetrarch_types::GenesisError;

/// What kind of failure it is: a program's exit code follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitClass {
    /// Something given is wrong: a file, a value, the order of commands.
    Usage,
    /// It could be done, but would endanger what this replica has promised.
    Unsafe,
    /// The machine did not do what it was asked.
    Failed,
}

/// Why a node was not initialised, or does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// No configuration file.
    #[error("cannot read the configuration: there is no file {}; check the path given with --config", path.display())]
    ConfigMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Not TOML, an unknown name, or a value of the wrong type.
    #[error("cannot read the configuration {}: line {line}: {problem}; correct that line", path.display())]
    ConfigMalformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A value that makes no sense.
    #[error("cannot use the configuration {}: {field} {problem}; correct it", path.display())]
    ConfigValue {
        /// The file.
        path: PathBuf,
        /// Which value.
        field: &'static str,
        /// What it must be.
        problem: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {what} {}: {source}; check the path and its permissions", path.display())]
    Unreadable {
        /// What it is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The genesis file is no usable genesis.
    #[error("cannot use the genesis file {}: {source}; get the chain's own file from another operator", path.display())]
    Genesis {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: GenesisError,
    },
    /// The key file is no usable key. The sentence is the key file's own.
    #[error("cannot load this replica's key: {0}")]
    Key(KeyFileError),
    /// The key is nobody's.
    #[error(
        "the key in {} belongs to no replica of the genesis file {}; give the key that was made for this chain, or the chain's own genesis file",
        key.display(), genesis.display()
    )]
    NotAMember {
        /// The key file.
        key: PathBuf,
        /// The genesis file.
        genesis: PathBuf,
    },
    /// `init` where something is already.
    #[error(
        "cannot initialise {}: something is there already, and a replica that forgets its votes endangers the chain; run the node as it is, or move the directory away if this replica has never voted with it",
        path.display()
    )]
    AlreadyThere {
        /// The data directory.
        path: PathBuf,
    },
    /// `run` where `init` never was.
    #[error(
        "cannot run in {}: the data directory was never initialised; if this is this replica's first start, run `tetrarch node init --config {}`, and if not, put its data back: a replica that forgot its votes must not vote",
        path.display(), config.display()
    )]
    NotInitialised {
        /// The data directory.
        path: PathBuf,
        /// The configuration file, or a stand-in for it.
        config: PathBuf,
    },
    /// An `init` that was interrupted.
    #[error(
        "cannot run in {}: it was not initialised to the end; remove it and run `tetrarch node init --config {}` again",
        path.display(), config.display()
    )]
    HalfInitialised {
        /// The data directory.
        path: PathBuf,
        /// The configuration file, or a stand-in for it.
        config: PathBuf,
    },
    /// The state belongs to another chain.
    #[error(
        "cannot run in {}: its state belongs to the chain {found}, the genesis file is that of the chain {expected}; give the data directory and the genesis file that belong together",
        path.display()
    )]
    OtherChain {
        /// The data directory.
        path: PathBuf,
        /// The chain of the state.
        found: Digest,
        /// The chain of the genesis file.
        expected: Digest,
    },
    /// Another process has it.
    #[error("cannot use {}: another process has it open; stop that one, or give this node a data directory of its own", path.display())]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// The file that tells a cut journal is gone.
    #[error(
        "refused as unsafe: {} is missing beside the database, so it cannot be told whether votes of this replica were lost; put the file back, or let the replica start afresh under a new key",
        path.display()
    )]
    MarkLost {
        /// The mark file.
        path: PathBuf,
    },
    /// The journal fails its own check.
    #[error(
        "refused as unsafe: the journal in {} does not hold what this replica wrote, so synced votes were lost and it must not vote with the rest: {source}",
        path.display()
    )]
    JournalUnsafe {
        /// The data directory.
        path: PathBuf,
        /// What is wrong.
        source: JournalError,
    },
    /// A journal entry does not decode.
    #[error(
        "refused as unsafe: entry {index} of the journal in {} is no record of this version; run the version that wrote it",
        path.display()
    )]
    RecordUnreadable {
        /// The data directory.
        path: PathBuf,
        /// Which entry.
        index: u64,
    },
    /// The records contradict each other.
    #[error("refused as unsafe: {source} (in {}); keep a copy of the directory and report this", path.display())]
    Contradiction {
        /// The data directory.
        path: PathBuf,
        /// What is wrong.
        source: Corrupt,
    },
    /// The executed state contradicts itself, or cannot be read.
    #[error("cannot open the state in {}: {problem}", path.display())]
    State {
        /// The data directory.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The store failed.
    #[error("cannot open the data directory {}: {source}", path.display())]
    Store {
        /// The data directory.
        path: PathBuf,
        /// What happened, and what to do.
        source: StoreError,
    },
    /// The operating system refused something.
    #[error("cannot {doing} {}: {source}; check the path, its permissions and the disk", path.display())]
    Io {
        /// What was tried: a verb.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The network endpoints do not start.
    #[error("cannot listen for {whom}: {source}")]
    Listen {
        /// Peers or clients.
        whom: &'static str,
        /// What happened, and what to do.
        source: TransportError,
    },
    /// No thread could be started.
    #[error("cannot start the thread {name}: {source}; raise the limit of threads for this user")]
    Thread {
        /// Its name.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl NodeError {
    /// What kind of failure it is.
    pub const fn class(&self) -> ExitClass {
        match self {
            Self::ConfigMissing { .. }
            | Self::ConfigMalformed { .. }
            | Self::ConfigValue { .. }
            | Self::Unreadable { .. }
            | Self::Genesis { .. }
            | Self::Key(_)
            | Self::NotAMember { .. }
            | Self::NotInitialised { .. }
            | Self::HalfInitialised { .. }
            | Self::OtherChain { .. } => ExitClass::Usage,
            Self::AlreadyThere { .. }
            | Self::MarkLost { .. }
            | Self::JournalUnsafe { .. }
            | Self::RecordUnreadable { .. }
            | Self::Contradiction { .. } => ExitClass::Unsafe,
            Self::Locked { .. }
            | Self::State { .. }
            | Self::Store { .. }
            | Self::Io { .. }
            | Self::Listen { .. }
            | Self::Thread { .. } => ExitClass::Failed,
        }
    }
}
