//! Proofs made of votes. All of them are compact: the statement once, then the signers and their signatures.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, Signature};

use crate::{ReplicaId, SeqNum, View};

/// Signatures by distinct members, in ascending order of their ids. A list out of order or with a repeated signer is refused by the
/// verifier (rule Q-2), so there is one encoding of a set of votes.
pub type Votes = Vec<(ReplicaId, Signature)>;

/// Proof that a batch is prepared in a view: the primary's PRE-PREPARE and q − 1 PREPAREs of other replicas (rule N-4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedCertificate {
    /// The view it was prepared in.
    pub view: View,
    /// Where.
    pub seq: SeqNum,
    /// The batch.
    pub digest: Digest,
    /// The signature of the view's primary on the PRE-PREPARE.
    pub pre_prepare: Signature,
    /// The backups' signatures on the PREPAREs.
    pub prepares: Votes,
}

/// Proof that a batch is decided: q matching COMMITs (rule N-6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitCertificate {
    /// The view of the COMMITs.
    pub view: View,
    /// Where.
    pub seq: SeqNum,
    /// The batch.
    pub digest: Digest,
    /// The signatures on the COMMITs.
    pub commits: Votes,
}

/// Proof that a checkpoint is stable: q matching CHECKPOINTs (rule C-2). Sequence number 0 is stable by definition, with no votes
/// and a zero root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointCertificate {
    /// The last sequence number whose effects the root covers.
    pub seq: SeqNum,
    /// The root of the replicated state.
    pub state_root: Digest,
    /// The signatures on the CHECKPOINTs.
    pub votes: Votes,
}

impl CheckpointCertificate {
    /// The checkpoint every chain starts from.
    pub const fn genesis() -> Self {
        Self { seq: SeqNum::ZERO, state_root: Digest::ZERO, votes: Vec::new() }
    }

    /// Whether it is the start of the chain, which needs no votes.
    pub fn is_genesis(&self) -> bool {
        *self == Self::genesis()
    }
}
