//! The replicated state as it is sent, proven and compared: parts of its tree, and what a member holds of another's votes.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::SignatureScheme;
use tetrarch_crypto::state_tree::{Page, Path, ProofError, TreeProof, value_digest};

use crate::verify::checkpoint_certificate;
use crate::{
    CheckpointCertificate, Commit, Membership, PrePrepare, Prepare, Rejection, ReplicaId, SeqNum, Signed, View,
    ViewChange,
};

/// One row of the replicated state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StateRow {
    /// Its table's name.
    pub table: String,
    /// Its key.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// Its value.
    #[serde(with = "serde_bytes")]
    pub value: Vec<u8>,
}

impl StateRow {
    /// Where its leaf hangs.
    pub fn path(&self) -> Path {
        Path::of(&self.table, &self.key)
    }

    /// What it takes of a message, roughly and never less.
    pub fn cost(&self) -> usize {
        self.table.len() + self.key.len() + self.value.len() + 16
    }
}

/// What is at one place of the state tree. Believed only if its digest is the one due there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatePart {
    /// Sixteen branches: there is more below than the asker wanted as rows.
    Page(Box<Page>),
    /// Every row below, ascending by path.
    Rows(Vec<StateRow>),
}

/// What a page, or a place, takes of a message at most.
const PAGE_COST: usize = 1_200;

impl StatePart {
    /// What it takes of a message with its place, roughly and never less.
    pub fn cost(&self) -> usize {
        match self {
            Self::Page(_) => PAGE_COST,
            Self::Rows(rows) => rows.iter().map(StateRow::cost).sum::<usize>() + PAGE_COST,
        }
    }
}

/// A vote that a member holds of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldVote {
    /// An assignment.
    PrePrepare(Signed<PrePrepare>),
    /// A PREPARE.
    Prepare(Signed<Prepare>),
    /// A COMMIT.
    Commit(Signed<Commit>),
}

impl HeldVote {
    /// Who signed it.
    pub const fn signer(&self) -> ReplicaId {
        match self {
            Self::PrePrepare(signed) => signed.signer,
            Self::Prepare(signed) => signed.signer,
            Self::Commit(signed) => signed.signer,
        }
    }

    /// In which view, and for which number.
    pub const fn place(&self) -> (View, SeqNum) {
        match self {
            Self::PrePrepare(signed) => (signed.payload.view, signed.payload.seq),
            Self::Prepare(signed) => (signed.payload.view, signed.payload.seq),
            Self::Commit(signed) => (signed.payload.view, signed.payload.seq),
        }
    }
}

/// What a member holds of another that starts: with it the other one can tell whether its own records are all there (rule A-1).
/// Everything in it is signed by somebody, so a liar can leave out but not invent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose votes: the asker.
    pub about: ReplicaId,
    /// The asker's number for this start.
    pub start: u64,
    /// The view that whoever answers is in, or moving to.
    pub view: View,
    /// The stable checkpoint here.
    pub stable: CheckpointCertificate,
    /// The asker's votes above it, at most four for each number of the window.
    pub votes: Vec<HeldVote>,
    /// The asker's VIEW-CHANGE for the highest view.
    pub view_change: Option<Box<Signed<ViewChange>>>,
}

/// A row of the state, or its absence, with all that shows it to somebody who holds the genesis file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateProof {
    /// The checkpoint that the proof leads to.
    pub certificate: CheckpointCertificate,
    /// The row's table.
    pub table: String,
    /// Its key.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// Its value at that checkpoint; none if there was no such row.
    #[serde(with = "serde_bytes")]
    pub value: Option<Vec<u8>>,
    /// From the state's root to the row's place.
    pub proof: TreeProof,
}

/// Why a state proof is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateProofError {
    /// The certificate does not hold.
    #[error("the checkpoint certificate does not hold: {0}")]
    Certificate(Rejection),
    /// A certificate of the chain's start vouches for nothing.
    #[error("the proof names the start of the chain, which no replica vouched for")]
    Genesis,
    /// The proof does not lead to the certified root.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// It proves something else than it says.
    #[error("the proof is of another value than the one it comes with")]
    OtherValue,
}

impl StateProof {
    /// Checks it with nothing but the membership (rule S-3).
    ///
    /// # Errors
    /// [`StateProofError`]: it shows nothing.
    pub fn verify(&self, membership: &Membership, scheme: &dyn SignatureScheme) -> Result<(), StateProofError> {
        if self.certificate.is_genesis() {
            return Err(StateProofError::Genesis);
        }
        checkpoint_certificate(&self.certificate, membership, scheme).map_err(StateProofError::Certificate)?;
        let path = Path::of(&self.table, &self.key);
        let found = self.proof.verify(&self.certificate.state_root, &path)?;
        if found == self.value.as_deref().map(value_digest) { Ok(()) } else { Err(StateProofError::OtherValue) }
    }
}

/// How far a state transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferProgress {
    /// The checkpoint that is fetched.
    pub checkpoint: SeqNum,
    /// Thousandths of the tree that are in place: an estimate that never goes back for one checkpoint.
    pub permille: u16,
    /// Rows written so far.
    pub rows: u64,
    /// Bytes received so far.
    pub bytes: u64,
    /// Parts asked for and not yet answered.
    pub outstanding: u32,
    /// Peers dropped because they lied.
    pub liars: u32,
}
