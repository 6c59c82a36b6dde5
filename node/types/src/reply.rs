//! What a client is told, and how it proves it to others.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Claim, Digest, Domain, MerklePath, PublicKey, Scope, Signature};

use crate::{Membership, ReplicaId, SeqNum, Signable, Signed, Transaction, TransactionId, View, Votes, encode, verify};

/// What came of a transaction. It is part of the replicated state, the same on every honest replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The state machine executed the command and answered this.
    Executed(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Agreed time had passed the transaction's validity: it did not execute and never will.
    Expired,
    /// The transaction named an end of validity too far ahead of agreed time: it did not execute and never will.
    ValidTooLong,
}

/// A replica's signed statement about one batch: the root over its results. One signature answers every client of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// The batch.
    pub seq: SeqNum,
    /// Merkle root over [`result_leaf`] of each executed transaction, in order.
    pub root: Digest,
}

impl Signable for Results {
    const DOMAIN: Domain = Domain::Results;
}

/// A replica's signed statement about a batch that is prepared there in a view, and not decided yet as far as it knows (rule X-2): what the
/// results will be if this batch is decided. A domain of its own, since f + 1 of these prove nothing; q of one view do (rule X-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TentativeResults {
    /// The view in which it is prepared.
    pub view: View,
    /// The batch.
    pub seq: SeqNum,
    /// Merkle root over [`result_leaf`] of each transaction that it executes, in order.
    pub root: Digest,
}

impl Signable for TentativeResults {
    const DOMAIN: Domain = Domain::TentativeResults;
}

/// What a replica signed about a batch's results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignedResults {
    /// The batch is decided and executed.
    Decided(Signed<Results>),
    /// The batch is prepared.
    Tentative(Signed<TentativeResults>),
}

impl SignedResults {
    /// Who signed.
    pub const fn signer(&self) -> ReplicaId {
        match self {
            Self::Decided(signed) => signed.signer,
            Self::Tentative(signed) => signed.signer,
        }
    }

    /// The batch.
    pub const fn seq(&self) -> SeqNum {
        match self {
            Self::Decided(signed) => signed.payload.seq,
            Self::Tentative(signed) => signed.payload.seq,
        }
    }

    /// The root over its results.
    pub const fn root(&self) -> Digest {
        match self {
            Self::Decided(signed) => signed.payload.root,
            Self::Tentative(signed) => signed.payload.root,
        }
    }

    /// The view in which the batch is prepared, if that is all that is said of it.
    pub const fn tentative_in(&self) -> Option<View> {
        match self {
            Self::Decided(_) => None,
            Self::Tentative(signed) => Some(signed.payload.view),
        }
    }

    /// The signature.
    pub const fn signature(&self) -> Signature {
        match self {
            Self::Decided(signed) => signed.signature,
            Self::Tentative(signed) => signed.signature,
        }
    }

    pub(crate) fn claim(&self, key: PublicKey, scope: &Scope) -> Claim {
        match self {
            Self::Decided(signed) => signed.claim(key, scope),
            Self::Tentative(signed) => signed.claim(key, scope),
        }
    }
}

/// The leaf of a batch's result tree for one transaction.
pub fn result_leaf(transaction: &TransactionId, outcome: &Outcome) -> Digest {
    Digest::of(Domain::ResultLeaf, &[transaction.digest().as_bytes(), &encode(outcome)])
}

/// One replica's answer to a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Which transaction.
    pub transaction: TransactionId,
    /// What came of it.
    pub outcome: Outcome,
    /// From the result's leaf to the signed root.
    pub path: MerklePath,
    /// The replica's signed root.
    pub results: SignedResults,
}

impl Reply {
    /// Whether the path leads from the outcome to the signed root. The signature is checked apart.
    pub fn is_consistent(&self) -> bool {
        self.path.root_from(result_leaf(&self.transaction, &self.outcome)) == Some(self.results.root())
    }
}

/// Signatures of replicas in whom a batch is prepared in one view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TentativeVotes {
    /// The view.
    pub view: View,
    /// The replicas' signatures on [`TentativeResults`], ascending by id; at least one.
    pub votes: Votes,
}

/// Proof for third parties of what came of a transaction: f + 1 replicas signed the batch's results (rule R-5), or q did, some or all of
/// them when the batch was prepared there in one view (rule X-3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyCertificate {
    /// The transaction, whole: the proof names what was asked.
    pub transaction: Transaction,
    /// What came of it.
    pub outcome: Outcome,
    /// Where in the order.
    pub seq: SeqNum,
    /// From the result's leaf to the root.
    pub path: MerklePath,
    /// The replicas' signatures on [`Results`] with that root, ascending by id.
    pub votes: Votes,
    /// Other replicas' signatures on [`TentativeResults`] with that root: with them there are q, or without them f + 1.
    pub tentative: Option<TentativeVotes>,
}

impl ReplyCertificate {
    /// Checks the whole proof: the client's signature, the path, and enough distinct members' signatures.
    ///
    /// # Errors
    /// [`verify::Rejection`] with the first thing that does not hold.
    pub fn check(
        &self,
        membership: &Membership,
        scheme: &dyn tetrarch_crypto::SignatureScheme,
    ) -> Result<(), verify::Rejection> {
        verify::reply_certificate(self, membership, scheme)
    }

    /// How many signatures make the proof: a quorum where some were given before the batch was decided, else f + 1.
    pub fn needed(&self, membership: &Membership) -> usize {
        let is_decided = self.tentative.is_none() || self.votes.len() >= membership.weak_quorum();
        if is_decided { membership.weak_quorum() } else { membership.quorum() }
    }

    /// Those who signed, ascending, decided or not.
    pub fn signers(&self) -> Vec<ReplicaId> {
        let tentative = self.tentative.iter().flat_map(|it| &it.votes);
        let mut signers: Vec<_> = self.votes.iter().chain(tentative).map(|(signer, _)| *signer).collect();
        signers.sort_unstable();
        signers
    }
}
