//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::cluster::ClusterArguments;
use crate::output::Format;
use crate::{bench, doctor, gateway, inspect, keys, kv, lease, node, sim, testnet, turns, tx, verify};

/// A coordination store that stays correct while some of its own servers lie.
#[derive(Debug, Parser)]
#[command(name = "tetrarch", version, propagate_version = true, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// How to print what is asked for.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) output: Format,

    /// What to log on stderr, as in `info` or `warn,tetrarch_client=debug`.
    #[arg(long, global = true, env = "TETRARCH_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 no quorum or timeout, 5 compare false or lock not held, \
6 verification failed, 7 refused as unsafe, 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a testnet on this machine, and break and mend it.
    #[command(subcommand)]
    Testnet(testnet::TestnetCommand),

    /// Read and write keys.
    Kv {
        #[command(subcommand)]
        command: kv::KvCommand,
        #[command(flatten)]
        cluster: ClusterArguments,
    },

    /// Make, keep and end leases.
    Lease {
        #[command(subcommand)]
        command: lease::LeaseCommand,
        #[command(flatten)]
        cluster: ClusterArguments,
    },

    /// Hold a lock while a program runs.
    Lock {
        #[command(flatten)]
        arguments: turns::LockArguments,
        #[command(flatten)]
        cluster: ClusterArguments,
    },

    /// Stand for an election and lead, or say who leads.
    Elect {
        #[command(flatten)]
        arguments: turns::ElectArguments,
        #[command(flatten)]
        cluster: ClusterArguments,
    },

    /// Sign and submit transactions apart, look them up, and get receipts for them.
    Tx {
        #[command(subcommand)]
        command: tx::TxCommand,
        #[command(flatten)]
        cluster: ClusterArguments,
    },

    /// Put a load on a cluster or on whatever speaks etcd's API, and measure.
    Bench {
        #[command(flatten)]
        arguments: bench::BenchArguments,
        #[command(flatten)]
        cluster: ClusterArguments,
    },

    /// Run whole clusters on one thread under a seed, with faults and liars.
    #[command(subcommand)]
    Sim(sim::SimCommand),

    /// Make and show keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),

    /// Check proofs, without a network.
    #[command(subcommand)]
    Verify(verify::VerifyCommand),

    /// Set up and run one replica.
    #[command(subcommand)]
    Node(node::NodeCommand),

    /// Serve etcd's API on a cluster, for the application beside it, until Ctrl-C or SIGTERM.
    Gateway(gateway::GatewayArguments),

    /// Look into the directory of a node that does not run. Nothing in it is changed.
    #[command(subcommand)]
    Inspect(inspect::InspectCommand),

    /// Check this machine, and a testnet's or a node's directory.
    Doctor(doctor::DoctorArguments),

    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },

    /// Write manual pages into a directory.
    Man {
        /// Where to; made if it is not there.
        dir: PathBuf,
    },
}

impl Command {
    /// Whether the command sets up logging itself, and handles an interrupt too.
    pub(crate) const fn is_served(&self) -> bool {
        matches!(self, Self::Testnet(_) | Self::Node(node::NodeCommand::Run(_)) | Self::Gateway(_))
    }

    /// Whether the command handles an interrupt itself, because it has something to end in good order.
    pub(crate) const fn ends_itself(&self) -> bool {
        let holds = match self {
            Self::Lock { .. } => true,
            Self::Elect { arguments, .. } => arguments.holds(),
            _ => false,
        };
        holds || self.is_served() || matches!(self, Self::Sim(sim::SimCommand::Soak(_) | sim::SimCommand::Twins(_)))
    }
}
