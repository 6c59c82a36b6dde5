//! A chain whose every key is here: what an input says is signed after it was altered.

use std::sync::Arc;

use tetrarch_crypto::{Digest, Domain, Signature, Signer};
use tetrarch_simulator::scheme::{FakeScheme, FakeSigner};
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, CommitCertificate, Epoch, Membership, Message, Parameters,
    Payload, PrePrepare, Prepare, PreparedCertificate, ReplicaId, SeqNum, Signable, Signed, Timestamp, Transaction,
    TransactionBody, Verified, Verifier, View, Votes, sign,
};

/// The wall clock at the start of everything.
pub(crate) const EPOCH: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// When clients' transactions end to be valid: half an hour later.
const VALID_UNTIL: Timestamp = Timestamp::from_micros(EPOCH.as_micros() + 1_800_000_000);

/// K: small, so that short inputs reach checkpoints.
pub(crate) const INTERVAL: u64 = 2;

/// L.
pub(crate) const WINDOW: u64 = 4;

/// How many different batches there are: the first is empty, each of the others holds some transactions.
pub(crate) const CONTENTS: usize = 6;

pub(crate) fn id(number: usize) -> ReplicaId {
    ReplicaId::new(u16::try_from(number).unwrap_or(u16::MAX))
}

pub(crate) struct Chain {
    pub(crate) membership: Arc<Membership>,
    pub(crate) verifier: Verifier,
    signers: Vec<FakeSigner>,
}

impl Chain {
    pub(crate) fn new(size: usize) -> Self {
        let signer = |number: usize| FakeSigner::from_seed([u8::try_from(number).unwrap_or(u8::MAX); 32]);
        let signers: Vec<FakeSigner> = (1..=size).map(signer).collect();
        let keys = signers.iter().map(Signer::public_key).collect();
        let parameters = Parameters { checkpoint_interval: INTERVAL, window: WINDOW };
        let genesis = Digest::from_bytes([0x67; 32]);
        let membership = Arc::new(Membership::new(genesis, Epoch::ZERO, parameters, keys));
        let verifier = Verifier::new(Arc::clone(&membership), Arc::new(FakeScheme));
        Self { membership, verifier, signers }
    }

    pub(crate) fn size(&self) -> usize {
        self.signers.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        (0..self.size()).map(id)
    }

    /// A member's signature of bytes in a domain; that of nobody for a stranger.
    pub(crate) fn sign_bytes(&self, domain: Domain, payload: &[u8], signer: ReplicaId) -> Signature {
        let bytes = domain.signing_bytes(self.membership.scope(), payload);
        let stranger = FakeSigner::from_seed([0xee; 32]);
        self.signers.get(signer.index()).unwrap_or(&stranger).sign(&bytes)
    }

    pub(crate) fn signature<T: Signable>(&self, payload: &T, signer: ReplicaId) -> Signature {
        self.sign_bytes(T::DOMAIN, &tetrarch_types::encode(payload), signer)
    }

    pub(crate) fn signed<T: Signable>(&self, payload: T, signer: ReplicaId) -> Signed<T> {
        Signed { signature: self.signature(&payload, signer), payload, signer }
    }

    pub(crate) fn message(&self, payload: Payload, signer: ReplicaId) -> Message {
        sign(payload, signer, self.membership.scope(), &self.signers[signer.index()])
    }

    pub(crate) fn verified(&self, message: Message) -> Option<Verified<Message>> {
        self.verifier.message(message).ok()
    }

    /// The signatures of the first `count` of these members.
    pub(crate) fn votes<T: Signable>(
        &self,
        payload: &T,
        count: usize,
        voters: impl Iterator<Item = ReplicaId>,
    ) -> Votes {
        voters.take(count).map(|voter| (voter, self.signature(payload, voter))).collect()
    }

    pub(crate) fn prepared(&self, view: View, seq: SeqNum, digest: Digest) -> PreparedCertificate {
        let primary = self.membership.primary(view);
        let backups = self.ids().filter(|it| *it != primary);
        PreparedCertificate {
            view,
            seq,
            digest,
            pre_prepare: self.signature(&PrePrepare { view, seq, digest }, primary),
            prepares: self.votes(&Prepare { view, seq, digest }, self.membership.quorum() - 1, backups),
        }
    }

    pub(crate) fn committed(&self, view: View, seq: SeqNum, digest: Digest) -> CommitCertificate {
        let commits = self.votes(&Commit { view, seq, digest }, self.membership.quorum(), self.ids());
        CommitCertificate { view, seq, digest, commits }
    }

    /// A stable checkpoint; at 0 the start of the chain.
    pub(crate) fn stable(&self, seq: SeqNum, state_root: Digest) -> CheckpointCertificate {
        if seq == SeqNum::ZERO {
            return CheckpointCertificate::genesis();
        }
        let votes = self.votes(&Checkpoint { seq, state_root }, self.membership.quorum(), self.ids());
        CheckpointCertificate { seq, state_root, votes }
    }

    /// A transaction of one of three clients, whatever the number.
    pub(crate) fn transaction(&self, number: u64) -> Transaction {
        let client = FakeSigner::from_seed([0x80 | u8::try_from(number % 3).unwrap_or(0); 32]);
        let body = TransactionBody {
            chain: self.membership.scope().genesis,
            sender: client.public_key(),
            nonce: number / 3,
            valid_until: VALID_UNTIL,
            command: format!("command {number}").into_bytes(),
        };
        body.sign(self.membership.scope(), &client)
    }

    /// The batch of this content for this number, and its bodies. One transaction stands in the batches of two numbers.
    pub(crate) fn batch(&self, content: usize, seq: SeqNum) -> (Batch, Vec<Transaction>) {
        let content = content % CONTENTS;
        if content == 0 {
            return (Batch::noop(), Vec::new());
        }
        let first = seq.get().saturating_mul(2).saturating_add(content as u64 * 1_000);
        let count = 1 + content as u64 % 3;
        let bodies: Vec<Transaction> = (0..count).map(|more| self.transaction(first.saturating_add(more))).collect();
        let timestamp = Timestamp::from_micros(EPOCH.as_micros().saturating_add(seq.get() % 1_000_000));
        (Batch { timestamp, transactions: bodies.iter().map(Transaction::id).collect() }, bodies)
    }
}
