//! `tetrarch verify proof`.

use std::path::Path;

use serde_json::{Map, Value, json};
use tetrarch_client::proof_from_json;
use tetrarch_crypto::Ed25519;
use tetrarch_kv::KeyRecord;
use tetrarch_types::{Membership, StateProof};

use super::{Chain, unproven};
use crate::failure::Failure;
use crate::kv::{RECORDS, proven_record};
use crate::output::Output;
use crate::{describe, input};

/// Checks a proof's file and prints what it proves.
pub(super) fn verify(file: &Path, chain: &Chain, output: &Output) -> Result<(), Failure> {
    let proof = checked(file, &chain.membership)?;
    let record = match proof.table.as_str() {
        RECORDS => proven_record(&proof).map_err(|happened| unproven("the proof", file, happened))?,
        _ => None,
    };
    print(&proof, record.as_ref(), chain, output)
}

fn checked(file: &Path, membership: &Membership) -> Result<StateProof, Failure> {
    let text = input::document("the proof", file)?;
    let fail = |happened: String| unproven("the proof", file, happened);
    let (theirs, proof) = proof_from_json(&text).map_err(|error| fail(error.to_string()))?;
    let ours = membership.scope().genesis;
    if theirs != ours {
        return Err(fail(format!("it is for chain {theirs}, the genesis file is that of chain {ours}")));
    }
    proof.verify(membership, &Ed25519).map_err(|error| fail(error.to_string()))?;
    Ok(proof)
}

fn print(proof: &StateProof, record: Option<&KeyRecord>, chain: &Chain, output: &Output) -> Result<(), Failure> {
    output.data(&object(proof, record, chain), || {
        let mut lines = vec![format!("the proof holds for the chain {:?}", chain.name)];
        lines.push(format!("table      {}", proof.table));
        lines.push(format!("key        {}", describe::quoted(&proof.key)));
        lines.extend(value_lines(proof, record));
        lines.extend(describe::checkpoint_lines(&proof.certificate, &chain.membership));
        lines.join("\n")
    })
}

fn value_lines(proof: &StateProof, record: Option<&KeyRecord>) -> Vec<String> {
    match (record, &proof.value) {
        (Some(record), _) => vec![
            format!("value      {}", describe::quoted(&record.value)),
            format!("revision   {}, version {}", record.mod_revision, record.version),
        ],
        (None, Some(value)) => vec![format!("value      {}", describe::quoted(value))],
        (None, None) => vec!["value      none: there was no such row".into()],
    }
}

fn object(proof: &StateProof, record: Option<&KeyRecord>, chain: &Chain) -> Value {
    let mut object = Map::new();
    object.insert("verified".into(), true.into());
    object.insert("chain_name".into(), chain.name.as_str().into());
    object.insert("table".into(), proof.table.as_str().into());
    describe::put_bytes(&mut object, "key", &proof.key);
    object.insert("present".into(), proof.value.is_some().into());
    match (record, &proof.value) {
        (Some(record), _) => drop(object.insert("record".into(), describe::record(&proof.key, record))),
        (None, Some(value)) => describe::put_bytes(&mut object, "value", value),
        (None, None) => {}
    }
    let signers = describe::signers(&proof.certificate);
    let certificate = json!({
        "sequence": proof.certificate.seq.get(),
        "state_root": proof.certificate.state_root.to_string(),
        "replicas": describe::replica_numbers(&signers),
        "needed": chain.membership.quorum(),
    });
    object.insert("checkpoint".into(), certificate);
    Value::Object(object)
}
