//! Why a testnet was not made, opened, started or wiped: what was tried, what happened, what to do next.

use std::io;
use std::path::{Path, PathBuf};

use tetrarch_crypto::{KeyFileError, NoEntropy};
use tetrarch_types::{GenesisError, Parameters};

/// Why something about a testnet directory or its processes did not work.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// Nothing there.
    #[error("there is no testnet in {0}; make one with `tetrarch testnet up --dir {0}`", dir.display())]
    Missing {
        /// Where.
        dir: PathBuf,
    },
    /// A directory, but none of ours.
    #[error(
        "{} is not a testnet directory: it has no testnet.json that says so, and it was left as it is; choose another --dir",
        dir.display()
    )]
    Foreign {
        /// Which.
        dir: PathBuf,
    },
    /// Ours, of another version.
    #[error(
        "the testnet in {} has directory format {found}, and this version of tetrarch reads format {known}; use the version that \
         made it, or give its data up with `tetrarch testnet up --reset`",
        dir.display()
    )]
    Version {
        /// Which.
        dir: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A file of ours that does not read.
    #[error("{} is damaged: {reason}; restore it, or give the testnet's data up with `tetrarch testnet up --reset`", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// In what way.
        reason: String,
    },
    /// A file of ours that is gone.
    #[error("{} is missing from the testnet; restore it, or give the testnet's data up with `tetrarch testnet up --reset`", path.display())]
    Incomplete {
        /// Which.
        path: PathBuf,
    },
    /// The genesis file is another chain's.
    #[error(
        "{} is of another chain ({found}) than this testnet was made with ({made}); put the right genesis back, or give the \
         testnet's data up with `tetrarch testnet up --reset`",
        path.display()
    )]
    OtherGenesis {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: Box<tetrarch_crypto::Digest>,
        /// The testnet's.
        made: Box<tetrarch_crypto::Digest>,
    },
    /// Another number of replicas was asked for than there are.
    #[error(
        "the testnet in {} has {found} replicas, not {asked}; leave -n out to start it, choose another --dir, or give its data up \
         with --reset",
        dir.display()
    )]
    OtherSize {
        /// Which.
        dir: PathBuf,
        /// What it has.
        found: u16,
        /// What was asked for.
        asked: u16,
    },
    /// Other parameters were asked for than the chain has.
    #[error(
        "the testnet in {} has a checkpoint interval of {} and a window of {}, and a chain keeps those that it was made with; leave \
         --checkpoint-interval and --window out to start it, choose another --dir, or give its data up with --reset",
        dir.display(), found.checkpoint_interval, found.window
    )]
    OtherParameters {
        /// Which.
        dir: PathBuf,
        /// What its chain has.
        found: Parameters,
    },
    /// A supervisor runs already.
    #[error("the testnet in {} is running (process {pid}); see `tetrarch testnet status`, stop it with `tetrarch testnet down`", dir.display())]
    Running {
        /// Which.
        dir: PathBuf,
        /// The supervisor.
        pid: u32,
    },
    /// Nothing runs where something should.
    #[error("the testnet in {0} is not running; start it with `tetrarch testnet up --dir {0}`", dir.display())]
    NotRunning {
        /// Which.
        dir: PathBuf,
    },
    /// Somebody else makes the same directory at this moment.
    #[error("another process is making the testnet in {} at this moment; wait for it, or choose another --dir", dir.display())]
    BeingMade {
        /// Which.
        dir: PathBuf,
    },
    /// No name to make a directory under.
    #[error("{} cannot be made into a testnet directory: {reason}; choose another --dir", dir.display())]
    BadPath {
        /// Which.
        dir: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// Ports beyond the last one.
    #[error("{n} replicas need {} ports from {base} on, and there are not that many; use --base-port 1 to {highest}", 2 * u32::from(*n))]
    PortRange {
        /// The first.
        base: u16,
        /// Replicas.
        n: u16,
        /// The highest base port that would do.
        highest: u16,
    },
    /// A port that somebody else has.
    #[error(
        "UDP port {port} (replica {replica}, for {side}) is in use by another process; stop that one, or choose other ports with \
         --base-port (this testnet uses {base} to {last})"
    )]
    PortTaken {
        /// Which.
        port: u16,
        /// Whose it would be.
        replica: u16,
        /// For whom.
        side: &'static str,
        /// The first of all ports.
        base: u16,
        /// The last of them.
        last: u16,
    },
    /// A port that the system does not give.
    #[error(
        "UDP port {port} (replica {replica}, for {side}) cannot be used: {source}; choose other ports with --base-port"
    )]
    PortUnusable {
        /// Which.
        port: u16,
        /// Whose it would be.
        replica: u16,
        /// For whom.
        side: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The gateway's port, that somebody else has.
    #[error(
        "TCP port {port} (the gateway, for etcd's clients) is in use by another process, an etcd perhaps; stop that one, choose another \
         port with --gateway-port, or start without a gateway with --no-gateway"
    )]
    GatewayPortTaken {
        /// Which.
        port: u16,
    },
    /// The gateway's port, that the system does not give.
    #[error(
        "TCP port {port} (the gateway, for etcd's clients) cannot be used: {source}; choose another with --gateway-port"
    )]
    GatewayPortUnusable {
        /// Which.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// An impossible chain.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A key that was not written.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// No randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// A node that could not be prepared.
    #[error("replica {replica} could not be prepared: {reason}")]
    Node {
        /// Which.
        replica: u16,
        /// Why.
        reason: String,
    },
    /// No way to ask the replicas.
    #[error("cannot ask the replicas how they are: {reason}")]
    Observer {
        /// Why.
        reason: String,
    },
    /// What the supervisor answers.
    #[error(transparent)]
    Refused(#[from] crate::protocol::Refusal),
    /// The supervisor runs and does not answer as it should.
    #[error("the testnet's supervisor {reason}; look at {} and at its terminal", log.display())]
    Control {
        /// What happened.
        reason: String,
        /// Where more may stand.
        log: PathBuf,
    },
    /// The operating system refused.
    #[error("could not {doing} {}: {source}", path.display())]
    Io {
        /// What was tried: a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl LaunchError {
    /// For `map_err`: what was tried, and on what.
    pub(crate) fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
