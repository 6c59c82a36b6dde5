//! `tetrarch inspect`: what is in the directory of a node that does not run.
//!
//! ```text
//!   node.toml ──▶ data/db ────────────▶ records of its votes, rows of its state     read-only, and refused while the node has it open
//!                 data/db.snapshots ──▶ the state at its latest checkpoints
//!                 data/journal.mark ──▶ how far the records went
//! ```
//!
//! Nothing is ever written, and the files are opened so that nothing can be.

mod checkpoint;
mod frozen;
mod journal;
mod state;
mod stopped;

use std::path::PathBuf;

pub(crate) use checkpoint::snapshot_root;
use clap::{Args, Subcommand};
pub(crate) use frozen::{Frozen, State};
pub(crate) use journal::problem as journal_problem;
pub(crate) use stopped::{Stopped, sentence};

use crate::failure::Failure;
use crate::output::Output;

/// What can be looked at.
#[derive(Debug, Subcommand)]
pub(crate) enum InspectCommand {
    /// Print the records of this replica's votes, and whether all of them are there. Exit code 6 if not.
    Journal(NodeArguments),
    /// Print the last stable checkpoint on record, this replica's own root and its snapshots. Exit code 6 if one of them does not hold.
    Checkpoint(NodeArguments),
    /// Print how far the state is, and how many rows each table has.
    State {
        #[command(flatten)]
        node: NodeArguments,
        /// Hold every row against the state's tree, too. Exit code 6 if one does not fit.
        #[arg(long)]
        check: bool,
    },
}

/// Whose directory.
#[derive(Debug, Args)]
pub(crate) struct NodeArguments {
    /// The node's directory, with its node.toml; or its data directory.
    dir: PathBuf,
    /// The chain's genesis file, for a data directory without a configuration beside it.
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

impl NodeArguments {
    fn find(&self) -> Result<Stopped, Failure> {
        Stopped::find(&self.dir, self.genesis.clone())
    }
}

/// Runs `tetrarch inspect`.
pub(crate) fn run(command: &InspectCommand, output: &Output) -> Result<(), Failure> {
    match command {
        InspectCommand::Journal(node) => journal::inspect(&node.find()?, output),
        InspectCommand::Checkpoint(node) => checkpoint::inspect(&node.find()?, output),
        InspectCommand::State { node, check } => state::inspect(&node.find()?, *check, output),
    }
}
