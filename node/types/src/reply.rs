//! What a client is told, and how it proves it to others.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, Domain, MerklePath};

use crate::{Membership, SeqNum, Signable, Signed, Transaction, TransactionId, Votes, encode, verify};

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
    pub results: Signed<Results>,
}

impl Reply {
    /// Whether the path leads from the outcome to the signed root. The signature is checked apart.
    pub fn is_consistent(&self) -> bool {
        self.path.root_from(result_leaf(&self.transaction, &self.outcome)) == Some(self.results.payload.root)
    }
}

/// Proof for third parties of what came of a transaction: f + 1 replicas signed the batch's results (rule R-5).
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
    /// The replicas' signatures on [`Results`] with that root, ascending by id; at least f + 1.
    pub votes: Votes,
}

impl ReplyCertificate {
    /// Checks the whole proof: the client's signature, the path, and f + 1 distinct members' signatures.
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
}
