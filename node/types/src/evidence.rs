//! Proof that a replica lies, for anyone who holds the genesis file.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::SignatureScheme;

use crate::{Checkpoint, Commit, Membership, PrePrepare, Prepare, ReplicaId, Signable, Signed};

/// Two signed statements of one replica of which an honest one makes at most one: same kind, same place, different content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// Two batches for one sequence number in one view.
    PrePrepare(Signed<PrePrepare>, Signed<PrePrepare>),
    /// Two PREPAREs for one sequence number in one view.
    Prepare(Signed<Prepare>, Signed<Prepare>),
    /// Two COMMITs for one sequence number in one view.
    Commit(Signed<Commit>, Signed<Commit>),
    /// Two states at one checkpoint.
    Checkpoint(Signed<Checkpoint>, Signed<Checkpoint>),
}

impl Evidence {
    /// Whom it accuses.
    pub const fn accused(&self) -> ReplicaId {
        match self {
            Self::PrePrepare(first, _) => first.signer,
            Self::Prepare(first, _) => first.signer,
            Self::Commit(first, _) => first.signer,
            Self::Checkpoint(first, _) => first.signer,
        }
    }

    /// Whether it convicts: one member signed both statements, and they contradict each other.
    pub fn holds(&self, membership: &Membership, scheme: &dyn SignatureScheme) -> bool {
        match self {
            Self::PrePrepare(first, second) => {
                let place = |it: &PrePrepare| (it.view, it.seq);
                contradict(first, second, place) && both_signed(first, second, membership, scheme)
            }
            Self::Prepare(first, second) => {
                let place = |it: &Prepare| (it.view, it.seq);
                contradict(first, second, place) && both_signed(first, second, membership, scheme)
            }
            Self::Commit(first, second) => {
                let place = |it: &Commit| (it.view, it.seq);
                contradict(first, second, place) && both_signed(first, second, membership, scheme)
            }
            Self::Checkpoint(first, second) => {
                let place = |it: &Checkpoint| it.seq;
                contradict(first, second, place) && both_signed(first, second, membership, scheme)
            }
        }
    }
}

fn contradict<T: PartialEq, P: PartialEq>(first: &Signed<T>, second: &Signed<T>, place: impl Fn(&T) -> P) -> bool {
    first.signer == second.signer && place(&first.payload) == place(&second.payload) && first.payload != second.payload
}

fn both_signed<T: Signable>(
    first: &Signed<T>,
    second: &Signed<T>,
    membership: &Membership,
    scheme: &dyn SignatureScheme,
) -> bool {
    let Some(key) = membership.key(first.signer) else { return false };
    [first, second].into_iter().all(|signed| scheme.accepts(&signed.claim(*key, membership.scope())))
}
