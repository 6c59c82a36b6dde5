//! `tetrarch verify receipt`.

use std::path::Path;

use serde_json::json;
use tetrarch_client::receipt_from_json;
use tetrarch_crypto::Ed25519;
use tetrarch_types::{Membership, ReplyCertificate, View};

use super::{Chain, unproven};
use crate::failure::Failure;
use crate::output::Output;
use crate::{describe, input, tx};

/// Checks a receipt's file and prints what it proves.
pub(super) fn verify(file: &Path, chain: &Chain, output: &Output) -> Result<(), Failure> {
    let certificate = checked(file, &chain.membership)?;
    print(&certificate, &chain.membership, &chain.name, output)
}

fn checked(file: &Path, membership: &Membership) -> Result<ReplyCertificate, Failure> {
    let text = input::document("the receipt", file)?;
    let fail = |happened: String| unproven("the receipt", file, happened);
    let certificate = receipt_from_json(&text).map_err(|error| fail(error.to_string()))?;
    let (theirs, ours) = (certificate.transaction.body.chain, membership.scope().genesis);
    if theirs != ours {
        return Err(fail(format!("it is for chain {theirs}, the genesis file is that of chain {ours}")));
    }
    certificate.check(membership, &Ed25519).map_err(|error| fail(error.to_string()))?;
    Ok(certificate)
}

fn print(certificate: &ReplyCertificate, membership: &Membership, chain: &str, output: &Output) -> Result<(), Failure> {
    let (signers, needed) = (certificate.signers(), certificate.needed(membership));
    let view = certificate.tentative.as_ref().map(|tentative| tentative.view);
    let object = json!({
        "verified": true,
        "chain_name": chain,
        "transaction": tx::transaction_object(&certificate.transaction),
        "outcome": describe::outcome(&certificate.outcome),
        "sequence": certificate.seq.get(),
        "replicas": describe::replica_numbers(&signers),
        "needed": needed,
        "prepared_in_view": view.map(View::get),
    });
    output.data(&object, || {
        let mut lines = vec![format!("the receipt holds for the chain {chain:?}")];
        lines.extend(tx::transaction_lines(&certificate.transaction));
        lines.extend(tx::outcome_lines(&certificate.outcome));
        lines.push(format!("sequence  {}", certificate.seq));
        let (by, faults) = (describe::replicas(&signers), membership.faults());
        let when = view.map(|view| format!(" when it was prepared in view {view}, or behind that")).unwrap_or_default();
        lines.push(format!("signed by replicas {by}{when}; {needed} prove it, since at most {faults} lie"));
        lines.join("\n")
    })
}
