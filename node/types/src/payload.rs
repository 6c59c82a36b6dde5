//! What the pure replica wants said, before a key has touched it.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Scope, Signer};

use crate::{
    Batch, Checkpoint, Commit, Fetch, Message, NewView, PrePrepare, Prepare, Proposal, ReplicaId, Signed, Status,
    Supply, View, ViewChange,
};

/// An unsigned message. Ed25519 signatures are deterministic, so signing the same payload again, after a restart for instance,
/// gives the same message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// A proposal; the assignment carries the batch's digest.
    PrePrepare {
        /// What is signed.
        assignment: PrePrepare,
        /// What travels beside it.
        batch: Batch,
    },
    /// See [`Prepare`].
    Prepare(Prepare),
    /// See [`Commit`].
    Commit(Commit),
    /// See [`Checkpoint`].
    Checkpoint(Checkpoint),
    /// See [`ViewChange`].
    ViewChange(ViewChange),
    /// See [`NewView`]; the re-proposals are signed one by one.
    NewView {
        /// The view that starts.
        view: View,
        /// The VIEW-CHANGEs that it rests on.
        view_changes: Vec<Signed<ViewChange>>,
        /// The re-proposals.
        proposals: Vec<PrePrepare>,
    },
    /// A message signed before and kept: sent again as it was, whoever signed it.
    Again(Box<Message>),
    /// See [`Status`].
    Status(Status),
    /// See [`Fetch`].
    Fetch(Fetch),
    /// See [`Supply`].
    Supply(Supply),
}

/// Signs a payload as replica `id`.
pub fn sign(payload: Payload, id: ReplicaId, scope: &Scope, signer: &dyn Signer) -> Message {
    match payload {
        Payload::PrePrepare { assignment, batch } => {
            Message::PrePrepare(Proposal { pre_prepare: Signed::new(assignment, id, scope, signer), batch })
        }
        Payload::Prepare(prepare) => Message::Prepare(Signed::new(prepare, id, scope, signer)),
        Payload::Commit(commit) => Message::Commit(Signed::new(commit, id, scope, signer)),
        Payload::Checkpoint(checkpoint) => Message::Checkpoint(Signed::new(checkpoint, id, scope, signer)),
        Payload::ViewChange(view_change) => Message::ViewChange(Signed::new(view_change, id, scope, signer)),
        Payload::NewView { view, view_changes, proposals } => {
            let proposals =
                proposals.into_iter().map(|assignment| Signed::new(assignment, id, scope, signer)).collect();
            Message::NewView(Signed::new(NewView { view, view_changes, proposals }, id, scope, signer))
        }
        Payload::Again(message) => *message,
        Payload::Status(status) => Message::Status(Signed::new(status, id, scope, signer)),
        Payload::Fetch(fetch) => Message::Fetch(Signed::new(fetch, id, scope, signer)),
        Payload::Supply(supply) => Message::Supply(Signed::new(supply, id, scope, signer)),
    }
}
