//! What liars hold and know.

use std::collections::BTreeMap;
use std::sync::Arc;

use tetrarch_chance::Rng;
use tetrarch_crypto::{Digest, Scope, Signature, Signer};
use tetrarch_types::{Batch, Membership, ReplicaId, SeqNum, Signable, Signed, View};

use crate::counts::Counts;
use crate::inventions::Inventions;
use crate::overheard::Overheard;
use crate::setting::Setting;

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
    pub(crate) setting: &'a Setting,
    pub(crate) overheard: &'a Overheard,
    pub(crate) inventions: &'a mut Inventions,
    pub(crate) rng: &'a mut Rng,
    pub(crate) name: &'static str,
    pub(crate) counts: &'a mut Counts,
}

impl<'a> Hand<'a> {
    pub(crate) fn membership(&self) -> &'a Membership {
        &self.keyring.membership
    }

    /// Signs as the liar itself.
    pub(crate) fn sign<T: Signable>(&self, payload: T) -> Signed<T> {
        self.sign_in(payload, self.membership().scope())
    }

    /// Signs as the liar itself, for another chain or epoch perhaps.
    pub(crate) fn sign_in<T: Signable>(&self, payload: T, scope: &Scope) -> Signed<T> {
        Signed::new(payload, self.id, scope, self.signer.as_ref())
    }

    /// Signs as one of those that lie together. None for anyone else.
    pub(crate) fn sign_as<T: Signable>(&self, id: ReplicaId, payload: T) -> Option<Signed<T>> {
        let signer = self.keyring.keys.get(&id)?;
        Some(Signed::new(payload, id, self.membership().scope(), signer.as_ref()))
    }

    /// A statement by each of those that lie together.
    pub(crate) fn sign_as_all<T: Signable + Clone>(&self, payload: &T) -> Vec<Signed<T>> {
        self.accomplices().filter_map(|id| self.sign_as(id, payload.clone())).collect()
    }

    /// Those that lie together, this liar among them.
    pub(crate) fn accomplices(&self) -> impl Iterator<Item = ReplicaId> + use<'a> {
        self.keyring.keys.keys().copied()
    }

    /// Everyone else.
    pub(crate) fn honest(&self) -> Vec<ReplicaId> {
        self.membership().ids().filter(|id| !self.keyring.keys.contains_key(id)).collect()
    }

    /// Whether a view is this liar's turn.
    pub(crate) fn is_primary(&self, view: View) -> bool {
        self.membership().primary(view) == self.id
    }

    /// A signature that fits nothing.
    pub(crate) fn garbage(&mut self) -> Signature {
        Signature::from_bytes(self.rng.bytes())
    }

    /// Random bytes in the place of a digest.
    pub(crate) fn digest(&mut self) -> Digest {
        Digest::from_bytes(self.rng.bytes())
    }

    /// A batch that nobody proposed at this number, and that this liar hands to whoever asks for it.
    pub(crate) fn invent(&mut self, seq: SeqNum) -> Batch {
        self.inventions.invent(seq)
    }

    /// The lie was told once more.
    pub(crate) fn lied(&mut self) {
        *self.counts.entry(self.name).or_default() += 1;
    }

    /// The lie was told once more, in a form that is counted by itself too.
    pub(crate) fn lied_as(&mut self, form: &'static str) {
        self.lied();
        *self.counts.entry(form).or_default() += 1;
    }
}
