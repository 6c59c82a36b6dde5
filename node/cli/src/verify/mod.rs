//! `tetrarch verify`: checking proofs without a network.

mod proof;
mod receipt;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tetrarch_types::Membership;

use crate::cluster::read_genesis;
use crate::failure::{Class, Failure};
use crate::output::Output;

/// What can be checked.
#[derive(Debug, Subcommand)]
pub(crate) enum VerifyCommand {
    /// Check a transaction's receipt against a chain's genesis, and print what it proves. Exit code 6 if it proves nothing.
    Receipt(VerifyArguments),
    /// Check a proof that `kv get --verify --save` wrote, and print what it proves. Exit code 6 if it proves nothing.
    Proof(VerifyArguments),
}

/// What to check, and against which chain.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The file to check; `-` is stdin.
    file: PathBuf,
    /// The chain's genesis file, from a source that you trust. Default: that of the testnet in $TETRARCH_DIR or ./tetrarch-testnet.
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// A testnet's directory, whose genesis.json is used.
    #[arg(long, env = "TETRARCH_DIR", default_value = "./tetrarch-testnet", value_name = "DIR")]
    dir: PathBuf,
}

/// The chain that a file is held against.
struct Chain {
    name: String,
    membership: Membership,
}

impl VerifyArguments {
    fn chain(&self) -> Result<Chain, Failure> {
        let path = self.genesis.clone().unwrap_or_else(|| self.dir.join("genesis.json"));
        let genesis = read_genesis(&path)?;
        Ok(Chain { membership: genesis.membership(), name: genesis.chain })
    }
}

/// Runs `tetrarch verify`.
pub(crate) fn run(command: &VerifyCommand, output: &Output) -> Result<(), Failure> {
    match command {
        VerifyCommand::Receipt(arguments) => receipt::verify(&arguments.file, &arguments.chain()?, output),
        VerifyCommand::Proof(arguments) => proof::verify(&arguments.file, &arguments.chain()?, output),
    }
}

fn unproven(what: &str, file: &Path, happened: String) -> Failure {
    let tried = format!("cannot verify {what} {}", file.display());
    let next = "do not rely on it: get another from the cluster, and check that the genesis file is that of its chain";
    Failure::new(Class::Unverified, tried, happened, next)
}
