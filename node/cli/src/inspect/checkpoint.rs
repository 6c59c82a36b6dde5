//! `inspect checkpoint`: what a quorum signed, what this replica came to by itself, and the snapshots that it keeps.

use serde::Serialize;
use serde_json::{Value, json};
use tetrarch_crypto::{Digest, Ed25519};
use tetrarch_kv::tree;
use tetrarch_replica::Record;
use tetrarch_storage::Store;
use tetrarch_types::{CheckpointCertificate, Membership, SeqNum, StateProof, StateProofError};

use super::journal::for_each_record;
use super::{Frozen, State, Stopped, sentence};
use crate::describe;
use crate::failure::{Class, Failure};
use crate::output::{Output, table};

/// What was found.
struct Found {
    stable: Option<CheckpointCertificate>,
    /// Why the certificate shows nothing.
    refuted: Option<String>,
    own: (SeqNum, Digest),
    snapshots: Vec<Snapshot>,
}

/// A snapshot, and what its tree says.
#[derive(Serialize)]
struct Snapshot {
    number: u64,
    state_root: Option<String>,
    /// That a quorum signed this root, or that this replica came to it, or what is wrong.
    verdict: String,
    holds: bool,
}

/// Prints the last stable checkpoint on record and what stands beside it.
pub(super) fn inspect(node: &Stopped, output: &Output) -> Result<(), Failure> {
    let tried = format!("cannot read the checkpoints in {}", node.data().display());
    let membership = node.membership(&tried)?;
    let frozen = Frozen::new(node.open(&tried)?, node.snapshots());
    let state =
        frozen.state(&membership).map_err(|error| Failure::sentence(Class::Failed, &tried, &error.to_string()))?;
    let mut stable = None;
    for_each_record(&frozen, node.mark().unwrap_or(None).as_ref(), &mut |record| {
        if let Record::Stable(certificate) = record {
            stable = Some(certificate);
        }
    });
    let numbers = frozen.snapshots().map_err(|error| sentence(&tried, &error))?;
    let look = |number: u64| snapshot(&frozen, &state, stable.as_ref(), &membership, number);
    let snapshots = numbers.into_iter().map(look).collect();
    let refuted = stable.as_ref().and_then(|certificate| refutation(certificate, &membership));
    let found = Found { own: state.last_checkpoint(), stable, refuted, snapshots };
    output.data(&object(&found, &membership), || text(&found, &membership))?;
    verdict(&found)
}

fn verdict(found: &Found) -> Result<(), Failure> {
    let broken = found.snapshots.iter().find(|snapshot| !snapshot.holds);
    let broken = broken.map(|it| format!("the snapshot {} does not hold: {}", it.number, it.verdict));
    let refuted = found.refuted.as_ref().map(|why| format!("the certificate on record does not hold: {why}"));
    match refuted.or(broken) {
        None => Ok(()),
        Some(happened) => {
            let next = "start the node: what is wrong with its state it gets from the others";
            Err(Failure::new(Class::Unverified, "not every checkpoint holds", happened, next))
        }
    }
}

/// Why a certificate shows nothing; none if it holds. A proof is checked from its certificate on: whatever else is said of one that
/// proves nothing, its certificate was found good.
fn refutation(certificate: &CheckpointCertificate, membership: &Membership) -> Option<String> {
    let (certificate, table) = (certificate.clone(), String::new());
    let empty = StateProof { certificate, table, key: Vec::new(), value: None, proof: Default::default() };
    match empty.verify(membership, &Ed25519) {
        Err(error @ (StateProofError::Certificate(_) | StateProofError::Genesis)) => Some(error.to_string()),
        _ => None,
    }
}

fn snapshot(
    frozen: &Frozen,
    state: &State,
    stable: Option<&CheckpointCertificate>,
    membership: &Membership,
    number: u64,
) -> Snapshot {
    let certified = stable.filter(|certificate| certificate.seq.get() == number).map(|it| it.state_root);
    let (seq, root) = state.last_checkpoint();
    let own = (seq.get() == number).then_some(root);
    let (state_root, judged) = match snapshot_root(frozen, membership, number) {
        Err(problem) => (None, Err(problem)),
        Ok((root, stated)) => (Some(root.to_string()), judge(root, &[certified, own, Some(stated)])),
    };
    let holds = judged.is_ok();
    Snapshot { number, state_root, verdict: judged.map_or_else(|problem| problem, Into::into), holds }
}

fn judge(root: Digest, due: &[Option<Digest>; 3]) -> Result<&'static str, String> {
    if let Some(other) = due.iter().flatten().find(|due| **due != root) {
        return Err(format!("its tree has another root than is due, {other}"));
    }
    Ok(if due[0].is_some() { "a quorum signed this root" } else { "this replica came to this root" })
}

/// The root of the tree in a snapshot, and the one that was written down when it was taken.
///
/// # Errors
/// What is wrong with the snapshot, in words.
pub(crate) fn snapshot_root(frozen: &Frozen, membership: &Membership, number: u64) -> Result<(Digest, Digest), String> {
    let snapshot = frozen.open_snapshot(number).map_err(|error| error.to_string())?;
    let state = snapshot.state(membership).map_err(|error| error.to_string())?;
    let (seq, stated) = state.last_checkpoint();
    if seq.get() != number {
        return Err(format!("it holds the state at checkpoint {seq}"));
    }
    Ok((tree::root(&snapshot).map_err(|error| error.to_string())?, stated))
}

fn object(found: &Found, membership: &Membership) -> Value {
    let stable = found.stable.as_ref().map(|certificate| {
        json!({
            "sequence": certificate.seq.get(),
            "state_root": certificate.state_root.to_string(),
            "replicas": describe::replica_numbers(&describe::signers(certificate)),
            "needed": membership.quorum(),
            "verified": found.refuted.is_none(),
            "problem": found.refuted,
        })
    });
    let (sequence, root) = found.own;
    json!({
        "stable": stable,
        "own": { "sequence": sequence.get(), "state_root": root.to_string() },
        "snapshots": found.snapshots,
    })
}

fn text(found: &Found, membership: &Membership) -> String {
    let mut lines = match &found.stable {
        Some(certificate) => describe::checkpoint_lines(certificate, membership).to_vec(),
        None => vec!["no checkpoint is on record as stable".into()],
    };
    lines.push(match (&found.stable, &found.refuted) {
        (_, Some(why)) => format!("the certificate does not hold: {why}"),
        (Some(_), None) => "the certificate holds".into(),
        (None, None) => String::new(),
    });
    let (sequence, root) = found.own;
    lines.push(format!("this replica's last checkpoint is {sequence}, with the state root {root}\n"));
    lines.retain(|line| !line.is_empty());
    let row = |it: &Snapshot| {
        let root = it.state_root.as_deref().unwrap_or("-").chars().take(16).collect();
        vec![it.number.to_string(), root, if it.holds { "ok".into() } else { "FAIL".into() }, it.verdict.clone()]
    };
    let rows: Vec<Vec<String>> = found.snapshots.iter().map(row).collect();
    format!("{}\n{}", lines.join("\n"), table(&["SNAPSHOT", "STATE ROOT", "STATE", "FOUND"], &rows))
}
