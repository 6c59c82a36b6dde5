//! What replicas say to each other. Every message is signed; a vote's signature is also what certificates are made of.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_crypto::{Claim, Digest, Domain, PublicKey, Scope, Signature, Signer, mutated};

use crate::{
    Batch, CheckpointCertificate, CommittedBatch, Held, PreparedCertificate, ReplicaId, SeqNum, StatePart, Transaction,
    TransactionId, View, encode,
};

/// A statement that a replica signs, each kind in a domain of its own: a PREPARE can never be read as a COMMIT (rule W-2).
pub trait Signable: Serialize {
    /// The kind's signing domain.
    const DOMAIN: Domain;

    /// The exact bytes that are signed.
    fn signing_bytes(&self, scope: &Scope) -> Vec<u8> {
        let domain = match Self::DOMAIN {
            Domain::Commit if mutated!(PrepareSignedAsCommit) => Domain::Prepare,
            own => own,
        };
        domain.signing_bytes(scope, &encode(self))
    }
}

/// A statement with its signer and signature, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed<T> {
    /// What is stated.
    pub payload: T,
    /// Who says so.
    pub signer: ReplicaId,
    /// The signer's signature, in the kind's domain.
    pub signature: Signature,
}

impl<T: Signable> Signed<T> {
    /// Signs a statement as replica `id`.
    pub fn new(payload: T, id: ReplicaId, scope: &Scope, signer: &dyn Signer) -> Self {
        let signature = signer.sign(&payload.signing_bytes(scope));
        Self { payload, signer: id, signature }
    }

    /// The statement that the signature has to prove, for the key the membership gives the signer.
    pub fn claim(&self, key: PublicKey, scope: &Scope) -> Claim {
        Claim { key, message: self.payload.signing_bytes(scope), signature: self.signature }
    }
}

/// The primary assigns a batch to a sequence number. It counts as the primary's PREPARE (rule N-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrePrepare {
    /// The primary's view.
    pub view: View,
    /// Where.
    pub seq: SeqNum,
    /// The batch's digest.
    pub digest: Digest,
}

/// A backup accepts the assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepare {
    /// The view.
    pub view: View,
    /// Where.
    pub seq: SeqNum,
    /// The batch's digest.
    pub digest: Digest,
}

/// A replica holds a prepared certificate for the assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The view.
    pub view: View,
    /// Where.
    pub seq: SeqNum,
    /// The batch's digest.
    pub digest: Digest,
}

/// A replica reached a checkpoint with this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last sequence number that the state covers.
    pub seq: SeqNum,
    /// The root of the replicated state.
    pub state_root: Digest,
}

/// A replica gives up on every view below `view` and says what it prepared (rule V-3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewChange {
    /// The view it moves to.
    pub view: View,
    /// Its stable checkpoint.
    pub stable: CheckpointCertificate,
    /// For each sequence number above the checkpoint at which it prepared a batch, the certificate of the highest view; ascending.
    pub prepared: Vec<PreparedCertificate>,
}

/// The new primary starts its view (rule V-5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewView {
    /// The view that starts.
    pub view: View,
    /// q VIEW-CHANGEs for exactly this view, ascending by signer.
    pub view_changes: Vec<Signed<ViewChange>>,
    /// The re-proposals that follow from them, each signed as a PRE-PREPARE of the new view, without gaps, ascending.
    pub proposals: Vec<Signed<PrePrepare>>,
}

/// Where a replica stands: peers answer with what it lacks (rule L-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The view it is in, or moving to.
    pub view: View,
    /// Whether it waits for that view's NEW-VIEW.
    pub changing: bool,
    /// The last sequence number it executed.
    pub executed: SeqNum,
    /// Its stable checkpoint.
    pub stable: SeqNum,
    /// Whether it complains of that view's primary: it takes too long (rule V-9).
    pub slow: bool,
}

/// A request for what is missing, answered by a [`Supply`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fetch {
    /// Bodies that a proposal names.
    Transactions(Vec<TransactionId>),
    /// A batch that a new view re-proposes, with its bodies.
    Batch(Digest),
    /// Decided batches behind this sequence number, in order, as many as fit.
    Committed {
        /// The last one the asker has.
        after: SeqNum,
    },
    /// What the asked member holds of the asker: every replica that starts asks before it votes (rule A-1).
    Held {
        /// A number that the asker drew for this start, so that an old answer is known as one.
        start: u64,
    },
    /// Parts of the state at a stable checkpoint (rule S-1).
    State {
        /// Which checkpoint.
        checkpoint: SeqNum,
        /// Which places of its tree; at most [`MAX_STATE_PARTS`](crate::limits::MAX_STATE_PARTS).
        parts: Vec<Prefix>,
        /// A part with up to this many bytes of rows is wanted as rows, a larger one as a page.
        rows_up_to: u32,
    },
}

/// An answer to a [`Fetch`], bodies that a backup relays to the primary, or a draft of its proposal. Nothing in it is believed for its sender's sake:
/// bodies carry their clients' signatures, batches are named by digest, decided batches carry certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Supply {
    /// Bodies.
    Transactions(Vec<Transaction>),
    /// A batch with its bodies, in order.
    Batch {
        /// The batch.
        batch: Batch,
        /// Its bodies.
        transactions: Vec<Transaction>,
    },
    /// Decided batches, consecutive and ascending.
    Committed(Vec<CommittedBatch>),
    /// What this member holds of the asker.
    Held(Held),
    /// Parts of the state at a stable checkpoint: of those asked for, as many as fit, at least one.
    State {
        /// Which checkpoint.
        checkpoint: SeqNum,
        /// The places and what is there.
        parts: Vec<(Prefix, StatePart)>,
    },
    /// This member does not hold the state at that checkpoint, or no longer.
    NoState {
        /// Which checkpoint.
        checkpoint: SeqNum,
    },
    /// A stable checkpoint, for a peer that does not get on: with liars among the voters it could not gather the votes by itself.
    Stable(CheckpointCertificate),
    /// What the primary of a view is about to propose (rule D-7). It binds nobody: the PRE-PREPARE follows once it is durable there.
    Draft {
        /// The view.
        view: View,
        /// Where.
        seq: SeqNum,
        /// The batch.
        batch: Batch,
    },
}

/// A signed PRE-PREPARE with the batch it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The signed assignment.
    pub pre_prepare: Signed<PrePrepare>,
    /// The batch whose digest it carries.
    pub batch: Batch,
}

/// Everything a replica can send to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// See [`PrePrepare`].
    PrePrepare(Proposal),
    /// See [`Prepare`].
    Prepare(Signed<Prepare>),
    /// See [`Commit`].
    Commit(Signed<Commit>),
    /// See [`Checkpoint`].
    Checkpoint(Signed<Checkpoint>),
    /// See [`ViewChange`].
    ViewChange(Signed<ViewChange>),
    /// See [`NewView`].
    NewView(Signed<NewView>),
    /// See [`Status`].
    Status(Signed<Status>),
    /// See [`Fetch`].
    Fetch(Signed<Fetch>),
    /// See [`Supply`].
    Supply(Signed<Supply>),
}

/// A message's kind, for counters and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the message of the same name")]
pub enum MessageKind {
    PrePrepare,
    Prepare,
    Commit,
    Checkpoint,
    ViewChange,
    NewView,
    Status,
    Fetch,
    Supply,
}

/// Which of a connection's two streams a message takes. Votes never wait behind bulk (rule B-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Small and urgent: at most [`MAX_VOTE_BYTES`](crate::limits::MAX_VOTE_BYTES).
    Votes,
    /// Everything that can be large: at most [`MAX_BULK_BYTES`](crate::limits::MAX_BULK_BYTES).
    Bulk,
}

impl Message {
    /// The replica that signed it.
    pub const fn signer(&self) -> ReplicaId {
        match self {
            Self::PrePrepare(proposal) => proposal.pre_prepare.signer,
            Self::Prepare(signed) => signed.signer,
            Self::Commit(signed) => signed.signer,
            Self::Checkpoint(signed) => signed.signer,
            Self::ViewChange(signed) => signed.signer,
            Self::NewView(signed) => signed.signer,
            Self::Status(signed) => signed.signer,
            Self::Fetch(signed) => signed.signer,
            Self::Supply(signed) => signed.signer,
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::PrePrepare(_) => MessageKind::PrePrepare,
            Self::Prepare(_) => MessageKind::Prepare,
            Self::Commit(_) => MessageKind::Commit,
            Self::Checkpoint(_) => MessageKind::Checkpoint,
            Self::ViewChange(_) => MessageKind::ViewChange,
            Self::NewView(_) => MessageKind::NewView,
            Self::Status(_) => MessageKind::Status,
            Self::Fetch(_) => MessageKind::Fetch,
            Self::Supply(_) => MessageKind::Supply,
        }
    }

    /// The stream it travels on.
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Prepare(_) | Self::Commit(_) | Self::Checkpoint(_) | Self::Status(_) => Lane::Votes,
            Self::PrePrepare(_) | Self::ViewChange(_) | Self::NewView(_) | Self::Fetch(_) | Self::Supply(_) => {
                Lane::Bulk
            }
        }
    }
}

macro_rules! signable {
    ($($kind:ident),*) => {
        $(impl Signable for $kind {
            const DOMAIN: Domain = Domain::$kind;
        })*
    };
}

signable!(PrePrepare, Prepare, Commit, Checkpoint, ViewChange, NewView, Status, Fetch, Supply);
