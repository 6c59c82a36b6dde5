//! What liars hold and know.

use std::collections::BTreeMap;
use std::sync::Arc;

use tetrarch_chance::Rng;
use tetrarch_crypto::{Scope, Signer};
use tetrarch_types::{Membership, ReplicaId, Signable, Signed};

use crate::Counts;

/// Whoever can sign, shared between threads.
pub type SharedSigner = Arc<dyn Signer + Send + Sync>;

/// The chain, and the keys of all the replicas that lie together.
#[derive(Clone)]
pub struct Keyring {
    /// The chain's members.
    pub membership: Arc<Membership>,
    /// The keys of the liars: these and no others.
    pub keys: BTreeMap<ReplicaId, SharedSigner>,
}

/// What a liar has to work with while it tells one lie.
pub(crate) struct Hand<'a> {
    pub(crate) id: ReplicaId,
    pub(crate) signer: &'a SharedSigner,
    pub(crate) keyring: &'a Keyring,
    pub(crate) rng: &'a mut Rng,
    pub(crate) name: &'static str,
    pub(crate) counts: &'a mut Counts,
}

impl Hand<'_> {
    /// Signs as the liar itself.
    pub(crate) fn sign<T: Signable>(&self, payload: T) -> Signed<T> {
        self.sign_in(payload, self.keyring.membership.scope())
    }

    /// Signs as the liar itself, for another chain or epoch perhaps.
    pub(crate) fn sign_in<T: Signable>(&self, payload: T, scope: &Scope) -> Signed<T> {
        Signed::new(payload, self.id, scope, self.signer.as_ref())
    }

    /// The lie was told once more.
    pub(crate) fn lied(&mut self) {
        self.lied_as(self.name);
    }

    /// The lie was told in a form that is counted by itself.
    pub(crate) fn lied_as(&mut self, form: &'static str) {
        *self.counts.entry(form).or_default() += 1;
    }
}
