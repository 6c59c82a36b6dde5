//! What oracles know: the members' keys, and arithmetic of their own.

use std::collections::BTreeSet;
use std::sync::Arc;

use tetrarch_crypto::{Claim, PublicKey, Scope, SignatureScheme};
use tetrarch_replica::PoolLimits;
use tetrarch_types::{ReplicaId, Signable, View, Votes};

use super::{Verdict, ensure};

/// A chain in the eyes of its oracles.
#[derive(Clone)]
pub struct Rules {
    /// The members' keys, by id.
    pub keys: Vec<PublicKey>,
    /// What every signature is bound to.
    pub scope: Scope,
    /// What a signature is.
    pub scheme: Arc<dyn SignatureScheme>,
    /// K.
    pub checkpoint_interval: u64,
    /// L.
    pub window: u64,
    /// What pools take.
    pub pool: PoolLimits,
    /// The members that lie.
    pub liars: BTreeSet<ReplicaId>,
}

impl Rules {
    /// n.
    pub fn n(&self) -> usize {
        self.keys.len()
    }

    /// f: the largest number with 3f + 1 ≤ n.
    pub fn f(&self) -> usize {
        (0..self.n()).take_while(|f| 3 * f < self.n()).last().unwrap_or(0)
    }

    /// q: the smallest number of which any two sets share more than f members.
    pub fn quorum(&self) -> usize {
        (1..=self.n()).find(|q| 2 * q > self.n() + self.f()).unwrap_or(self.n())
    }

    /// Whose turn a view is.
    pub fn primary(&self, view: View) -> ReplicaId {
        ReplicaId::new((view.get() % self.n() as u64) as u16)
    }

    /// Whether a replica is honest.
    pub fn is_honest(&self, id: ReplicaId) -> bool {
        !self.liars.contains(&id)
    }

    /// Whether a member signed a statement.
    pub fn has_signed<T: Signable>(&self, id: ReplicaId, payload: &T, signature: tetrarch_crypto::Signature) -> bool {
        let Some(key) = self.keys.get(id.index()) else { return false };
        let message = payload.signing_bytes(&self.scope);
        self.scheme.accepts(&Claim { key: *key, message, signature })
    }

    /// That at least `need` different members signed a statement, and nothing else stands among the votes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn count<T: Signable>(&self, payload: &T, votes: &Votes, need: usize) -> Verdict {
        let signers: BTreeSet<ReplicaId> = votes.iter().map(|(signer, _)| *signer).collect();
        ensure(signers.len() == votes.len(), || "a signer stands in it twice".to_owned())?;
        ensure(signers.len() >= need, || format!("{} signers where {need} are needed", signers.len()))?;
        let forged = votes.iter().find(|(signer, signature)| !self.has_signed(*signer, payload, *signature));
        ensure(forged.is_none(), || "one of its signatures does not hold".to_owned())
    }
}
