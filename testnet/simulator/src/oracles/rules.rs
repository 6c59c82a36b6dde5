//! What oracles know: the members' keys, and arithmetic of their own.

use std::collections::BTreeSet;
use std::sync::Arc;

use tetrarch_crypto::{Claim, PublicKey, Scope, Signature, SignatureScheme};
use tetrarch_replica::PoolLimits;
use tetrarch_types::{ReplicaId, View, Votes};

use super::{Statement, Verdict, ensure};

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
    pub fn has_signed<T: Statement>(&self, id: ReplicaId, payload: &T, signature: Signature) -> bool {
        self.keys.get(id.index()).is_some_and(|key| self.holds(*key, payload, signature))
    }

    /// Whether the owner of a key signed a statement.
    pub fn holds<T: Statement>(&self, key: PublicKey, payload: &T, signature: Signature) -> bool {
        self.holds_bytes(key, payload.signed_bytes(&self.scope), signature)
    }

    fn holds_bytes(&self, key: PublicKey, message: Vec<u8>, signature: Signature) -> bool {
        self.scheme.accepts(&Claim { key, message, signature })
    }

    /// That at least `need` different members signed a statement, and nothing else stands among the votes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn count<T: Statement>(&self, payload: &T, votes: &Votes, need: usize) -> Verdict {
        let signers: BTreeSet<ReplicaId> = votes.iter().map(|(signer, _)| *signer).collect();
        ensure(signers.len() == votes.len(), || "a signer stands in it twice".to_owned())?;
        ensure(signers.len() >= need, || format!("{} signers where {need} are needed", signers.len()))?;
        let message = payload.signed_bytes(&self.scope);
        let is_forged = |(signer, signature): &&(ReplicaId, Signature)| {
            self.keys.get(signer.index()).is_none_or(|key| !self.holds_bytes(*key, message.clone(), *signature))
        };
        let forged = votes.iter().find(is_forged);
        ensure(forged.is_none(), || "one of its signatures does not hold".to_owned())
    }
}
