//! The chain that a run is about: its members, its clients, and everyone's keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use tetrarch_crypto::{Digest, Domain, Ed25519, Scope, SignatureScheme, SigningKey};
use tetrarch_types::{Epoch, Membership, Message, Parameters, Payload, ReplicaId, Verified, Verifier, sign};

use tetrarch_adversary::{Keyring, SharedSigner};

use crate::scheme::{FakeScheme, FakeSigner, Remembering, Signatures};

/// One chain.
pub struct Chain {
    /// The members and the chain's parameters.
    pub membership: Arc<Membership>,
    /// What is accepted as a signature.
    pub scheme: Arc<dyn SignatureScheme>,
    /// Checks what arrives; one for all nodes, since they all come to the same verdicts.
    pub verifier: Verifier,
    replicas: Vec<SharedSigner>,
    clients: Vec<SharedSigner>,
    signatures: Signatures,
    seed: u64,
}

impl Chain {
    /// The chain of a run with `n` replicas and this many clients.
    pub fn new(seed: u64, n: usize, clients: usize, signatures: Signatures, parameters: Parameters) -> Self {
        let signers = |role, count| (0..count as u64).map(|index| signer(signatures, seed, role, index)).collect();
        let replicas: Vec<SharedSigner> = signers("replica", n);
        let clients = signers("client", clients);
        let keys = replicas.iter().map(|signer| signer.public_key()).collect();
        let genesis = Digest::of(Domain::Genesis, &[b"simulation", &seed.to_be_bytes()]);
        let membership = Arc::new(Membership::new(genesis, Epoch::ZERO, parameters, keys));
        let scheme = scheme(signatures);
        let verifier = Verifier::new(membership.clone(), scheme.clone());
        Self { membership, scheme, verifier, replicas, clients, signatures, seed }
    }

    /// What every signature is bound to.
    pub fn scope(&self) -> &Scope {
        self.membership.scope()
    }

    /// A replica's signer.
    pub fn replica(&self, id: ReplicaId) -> Option<&SharedSigner> {
        self.replicas.get(id.index())
    }

    /// The clients' signers.
    pub fn clients(&self) -> &[SharedSigner] {
        &self.clients
    }

    /// Whether signatures cost what they cost in production.
    pub const fn has_real_signatures(&self) -> bool {
        matches!(self.signatures, Signatures::Real)
    }

    /// A signer that belongs to none of these: there are as many as there are numbers.
    pub fn stranger(&self, number: u64) -> SharedSigner {
        signer(self.signatures, self.seed, "stranger", number)
    }

    /// What liars hold who act together.
    pub fn keyring(&self, liars: impl IntoIterator<Item = ReplicaId>) -> Keyring {
        let held = liars.into_iter().filter_map(|id| Some((id, self.replica(id)?.clone())));
        Keyring { membership: self.membership.clone(), keys: BTreeMap::from_iter(held) }
    }

    /// Signs as a replica.
    pub fn sign(&self, id: ReplicaId, payload: Payload) -> Option<Message> {
        let signer = self.replica(id)?;
        Some(sign(payload, id, self.scope(), signer.as_ref()))
    }

    /// What a node makes of a message.
    pub fn verify(&self, message: Message) -> Option<Verified<Message>> {
        self.verifier.message(message).ok()
    }
}

fn scheme(signatures: Signatures) -> Arc<dyn SignatureScheme> {
    match signatures {
        Signatures::Fake => Arc::new(FakeScheme),
        Signatures::Real => Arc::new(Remembering::<Ed25519>::default()),
    }
}

fn signer(signatures: Signatures, seed: u64, role: &str, index: u64) -> SharedSigner {
    let parts = [b"simulated key".as_slice(), role.as_bytes(), &seed.to_be_bytes(), &index.to_be_bytes()];
    let secret = *Digest::of(Domain::Genesis, &parts).as_bytes();
    match signatures {
        Signatures::Fake => Arc::new(FakeSigner::from_seed(secret)),
        Signatures::Real => Arc::new(SigningKey::from_seed(secret)),
    }
}
