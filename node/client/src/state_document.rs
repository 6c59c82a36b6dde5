//! Proofs of the state as files, like those of transactions and receipts: JSON whose names and forms are stable.

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Leaf, Path, TreeProof};
use tetrarch_types::{CheckpointCertificate, SeqNum, StateProof};

use crate::DocumentError;
use crate::document::{Vote, check_format, parse, pretty};

const PROOF: &str = "tetrarch-proof/1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    format: String,
    chain: Digest,
    checkpoint: CheckpointField,
    table: String,
    key: BytesField,
    value: Option<BytesField>,
    proof: TreeField,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointField {
    sequence: u64,
    state_root: Digest,
    votes: Vec<Vote>,
}

/// Bytes, and beside them the same as text where they are UTF-8.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BytesField {
    base64: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreeField {
    siblings: Vec<Digest>,
    end: Option<LeafField>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeafField {
    path: Path,
    value: Digest,
}

/// The form that [`TreeProof`] has wherever it is serialised: its own fields are nobody else's.
#[derive(Default, Serialize, Deserialize)]
struct TreeForm {
    siblings: Vec<Digest>,
    end: Option<Leaf>,
}

/// A state proof's file. The chain goes with it, so that whoever checks it can tell which genesis file it needs.
pub fn proof_to_json(chain: &Digest, proof: &StateProof) -> String {
    let CheckpointCertificate { seq, state_root, votes } = &proof.certificate;
    pretty(&ProofFile {
        format: PROOF.into(),
        chain: *chain,
        checkpoint: CheckpointField { sequence: seq.get(), state_root: *state_root, votes: Vote::write(votes) },
        table: proof.table.clone(),
        key: BytesField::write(&proof.key),
        value: proof.value.as_deref().map(BytesField::write),
        proof: TreeField::write(&proof.proof),
    })
}

/// Reads a state proof's file: the chain that it names, and the proof. Nothing in it is proven before [`StateProof::verify`] says so.
///
/// # Errors
/// If the text is not such a file, or a text in it is not that of the bytes beside it.
pub fn proof_from_json(text: &str) -> Result<(Digest, StateProof), DocumentError> {
    let file: ProofFile = parse(text)?;
    check_format(&file.format, PROOF)?;
    let CheckpointField { sequence, state_root, votes } = file.checkpoint;
    let certificate = CheckpointCertificate { seq: SeqNum::new(sequence), state_root, votes: Vote::read(&votes) };
    let proof = StateProof {
        certificate,
        table: file.table,
        key: file.key.read("key")?,
        value: file.value.map(|value| value.read("value")).transpose()?,
        proof: file.proof.read()?,
    };
    Ok((file.chain, proof))
}

impl BytesField {
    fn write(bytes: &[u8]) -> Self {
        Self { base64: Base64::encode_string(bytes), text: std::str::from_utf8(bytes).ok().map(str::to_owned) }
    }

    fn read(self, field: &'static str) -> Result<Vec<u8>, DocumentError> {
        let bytes = Base64::decode_vec(&self.base64).map_err(|_| DocumentError::NotBase64 { field })?;
        match self.text {
            Some(text) if text.as_bytes() != bytes => Err(DocumentError::WrongText { field }),
            _ => Ok(bytes),
        }
    }
}

impl TreeField {
    /// Neither half can fail: the form is the type's own.
    fn write(proof: &TreeProof) -> Self {
        let form = serde_json::to_value(proof).and_then(serde_json::from_value);
        let TreeForm { siblings, end } = form.unwrap_or_default();
        Self { siblings, end: end.map(|(path, value)| LeafField { path, value }) }
    }

    fn read(self) -> Result<TreeProof, DocumentError> {
        let end = self.end.map(|LeafField { path, value }| (path, value));
        let form = serde_json::to_value(TreeForm { siblings: self.siblings, end });
        form.and_then(serde_json::from_value).map_err(|error| DocumentError::Malformed(error.to_string()))
    }
}
