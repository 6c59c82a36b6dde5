//! A signed command.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Claim, Digest, Domain, PublicKey, Scope, Signature, Signer};

use crate::{Timestamp, TransactionId, encode};

/// What a sender signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionBody {
    /// The genesis hash of the chain it is for. It also enters the signed bytes; here it lets a replica say which chain was meant.
    pub chain: Digest,
    /// Who sends it: any strong Ed25519 key.
    pub sender: PublicKey,
    /// The sender's number for it. Executed at most once (rule R-2).
    pub nonce: u64,
    /// The agreed time until which it may execute, at most [`MAX_VALIDITY`](crate::limits::MAX_VALIDITY) ahead.
    pub valid_until: Timestamp,
    /// The command, opaque to everything but the state machine.
    #[serde(with = "serde_bytes")]
    pub command: Vec<u8>,
}

impl TransactionBody {
    /// The id of every transaction with this body.
    pub fn id(&self) -> TransactionId {
        TransactionId::new(Digest::of(Domain::TransactionId, &[&encode(self)]))
    }

    /// Signs the body.
    pub fn sign(self, scope: &Scope, signer: &dyn Signer) -> Transaction {
        let signature = signer.sign(&Domain::Transaction.signing_bytes(scope, &encode(&self)));
        Transaction { body: self, signature }
    }
}

/// A command, signed by its sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// What was signed.
    pub body: TransactionBody,
    /// By the body's sender, in [`Domain::Transaction`].
    pub signature: Signature,
}

impl Transaction {
    /// The id, which does not depend on the signature.
    pub fn id(&self) -> TransactionId {
        self.body.id()
    }

    /// What it counts for against limits in bytes.
    pub fn cost(&self) -> usize {
        self.body.command.len().saturating_add(crate::limits::TRANSACTION_OVERHEAD_BYTES)
    }

    /// The statement that the signature has to prove.
    pub fn claim(&self, scope: &Scope) -> Claim {
        Claim {
            key: self.body.sender,
            message: Domain::Transaction.signing_bytes(scope, &encode(&self.body)),
            signature: self.signature,
        }
    }
}
