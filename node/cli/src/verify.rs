//! `tetrarch verify`: checking proofs without a network.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use tetrarch_client::receipt_from_json;
use tetrarch_crypto::Ed25519;
use tetrarch_types::{Membership, ReplicaId, ReplyCertificate};

use crate::cluster::read_genesis;
use crate::failure::{Class, Failure};
use crate::output::Output;
use crate::{describe, input, tx};

/// What can be checked.
#[derive(Debug, Subcommand)]
pub(crate) enum VerifyCommand {
    /// Check a transaction's receipt against a chain's genesis, and print what it proves. Exit code 6 if it proves nothing.
    Receipt {
        /// The receipt's file; `-` is stdin.
        file: PathBuf,
        /// The chain's genesis file, from a source that you trust. Default: that of the testnet in $TETRARCH_DIR or ./tetrarch-testnet.
        #[arg(long, value_name = "FILE")]
        genesis: Option<PathBuf>,
        /// A testnet's directory, whose genesis.json is used.
        #[arg(long, env = "TETRARCH_DIR", default_value = "./tetrarch-testnet", value_name = "DIR")]
        dir: PathBuf,
    },
}

/// Runs `tetrarch verify`.
pub(crate) fn run(command: VerifyCommand, output: &Output) -> Result<(), Failure> {
    let VerifyCommand::Receipt { file, genesis, dir } = command;
    let genesis = read_genesis(&genesis.unwrap_or_else(|| dir.join("genesis.json")))?;
    let membership = genesis.membership();
    let certificate = checked(&file, &membership)?;
    print(&certificate, &membership, &genesis.chain, output)
}

fn checked(file: &Path, membership: &Membership) -> Result<ReplyCertificate, Failure> {
    let text = input::document("the receipt", file)?;
    let fail = |happened: String| {
        let tried = format!("cannot verify the receipt {}", file.display());
        let next =
            "do not rely on it: get another from the cluster, and check that the genesis file is that of its chain";
        Failure::new(Class::Unverified, tried, happened, next)
    };
    let certificate = receipt_from_json(&text).map_err(|error| fail(error.to_string()))?;
    let (theirs, ours) = (certificate.transaction.body.chain, membership.scope().genesis);
    if theirs != ours {
        return Err(fail(format!("it is for chain {theirs}, the genesis file is that of chain {ours}")));
    }
    certificate.check(membership, &Ed25519).map_err(|error| fail(error.to_string()))?;
    Ok(certificate)
}

fn print(certificate: &ReplyCertificate, membership: &Membership, chain: &str, output: &Output) -> Result<(), Failure> {
    let signers: Vec<ReplicaId> = certificate.votes.iter().map(|(replica, _)| *replica).collect();
    let object = json!({
        "verified": true,
        "chain_name": chain,
        "transaction": tx::transaction_object(&certificate.transaction),
        "outcome": describe::outcome(&certificate.outcome),
        "sequence": certificate.seq.get(),
        "replicas": describe::replica_numbers(&signers),
        "needed": membership.weak_quorum(),
    });
    output.data(&object, || {
        let mut lines = vec![format!("the receipt holds for the chain {chain:?}")];
        lines.extend(tx::transaction_lines(&certificate.transaction));
        lines.extend(tx::outcome_lines(&certificate.outcome));
        lines.push(format!("sequence  {}", certificate.seq));
        let (by, needed) = (describe::replicas(&signers), membership.weak_quorum());
        lines.push(format!("signed by replicas {by}; {needed} prove it, since at most {} lie", membership.faults()));
        lines.join("\n")
    })
}
