//! A key with the proof of its record at the latest stable checkpoint.
//!
//! ```text
//!   proof ─────────▶ checkpoint N: the key's record then, under a root that q replicas signed
//!   read at q ─────▶ the key's record now                                                        the same, or changed since N
//! ```

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tetrarch_client::{Client, proof_to_json};
use tetrarch_kv::{KeyRecord, Request};
use tetrarch_types::{Membership, SeqNum, StateProof, decode};

use super::read::Found;
use super::{GetArguments, check, read};
use crate::describe;
use crate::failure::{Class, Failure};

/// The table in which the store keeps its keys.
pub(crate) const RECORDS: &str = "kv.records";

/// A checked proof, and what it says.
pub(super) struct Proven {
    proof: StateProof,
    record: Option<KeyRecord>,
    membership: Membership,
}

/// Gets the proof and then reads: so what differs between the two changed after the checkpoint, and never the other way round.
pub(super) async fn read(client: &Client, get: &GetArguments, save: Option<&Path>) -> Result<(Found, Proven), Failure> {
    let request = Request::Range(get.range());
    let tried = format!("cannot prove what `{}` gives", describe::request_name(&request));
    check(&request, &tried)?;
    let key = get.name.clone().into_vec();
    let proof = client.prove(RECORDS, &key).await.map_err(|error| Failure::client(&tried, &error))?;
    let record = proven_record(&proof).map_err(|happened| {
        Failure::new(Class::Unverified, &tried, happened, "use the version of tetrarch that the cluster runs")
    })?;
    let answer = read::read(client, get).await?;
    if let Some(path) = save {
        write(path, &proof_to_json(&client.chain(), &proof))?;
    }
    Ok((answer, Proven { proof, record, membership: client.membership().clone() }))
}

/// The key's record in a proof of the store's table; none if the proof shows that there was none. Or why it is no record.
pub(crate) fn proven_record(proof: &StateProof) -> Result<Option<KeyRecord>, String> {
    let read =
        |bytes: &Vec<u8>| decode(bytes, bytes.len()).map_err(|error| format!("the proven row is no record: {error}"));
    proof.value.as_ref().map(read).transpose()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(path)?;
        file.write_all(text.as_bytes())
    };
    written().map_err(|error| {
        let tried = format!("cannot write the proof into {}", path.display());
        Failure::failed(tried, error.to_string(), "choose another file, or check its permissions")
    })
}

impl Proven {
    /// Whether what was read stood in the proven state already.
    fn covers(&self, answer: &Found) -> bool {
        answer.records.first().map(|(_, record)| record) == self.record.as_ref()
    }

    /// The first checkpoint that can hold what came after this one.
    fn next(&self) -> SeqNum {
        SeqNum::new(self.proof.certificate.seq.get().saturating_add(self.membership.parameters().checkpoint_interval))
    }

    /// What scripts read of it.
    pub(super) fn object(&self, answer: &Found) -> Value {
        let certificate = &self.proof.certificate;
        json!({
            "sequence": certificate.seq.get(),
            "state_root": certificate.state_root.to_string(),
            "replicas": describe::replica_numbers(&describe::signers(certificate)),
            "needed": self.membership.quorum(),
            "covers_read": self.covers(answer),
            "verified": true,
        })
    }

    /// What people read of it.
    pub(super) fn lines(&self, answer: &Found) -> Vec<String> {
        let mut lines: Vec<String> = describe::checkpoint_lines(&self.proof.certificate, &self.membership).into();
        let then = match &self.record {
            Some(record) => format!("the key was there, last changed at revision {}", record.mod_revision),
            None => "there was no such key".into(),
        };
        lines.push(format!("the proof holds: at that checkpoint {then}"));
        lines.push(if self.covers(answer) {
            "that is what was read".into()
        } else {
            format!(
                "the key changed after it: the checkpoint at sequence {} is the first that can prove the change",
                self.next()
            )
        });
        lines
    }
}
