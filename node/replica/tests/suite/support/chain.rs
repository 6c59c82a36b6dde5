//! One chain: its members with everybody's keys, its clients, and whatever can be signed with those.

use std::sync::Arc;
use std::time::Duration;

use tetrarch_crypto::{Digest, Signature, Signer};
use tetrarch_types::{
    Epoch, Membership, Message, Parameters, Payload, PrePrepare, Prepare, PreparedCertificate, ReplicaId, SeqNum,
    Signable, Signed, Timestamp, Transaction, TransactionBody, Verified, Verifier, View, Votes, sign,
};

use super::id;
use super::machine::{MOVE, WAIT};
use super::scheme::{FakeScheme, FakeSigner};

/// The wall clock when the monotonic one is at zero.
pub(crate) const EPOCH: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// How long a transaction is valid when nothing else is said.
pub(crate) const VALIDITY: Duration = Duration::from_secs(600);

pub(crate) struct Chain {
    pub(crate) membership: Arc<Membership>,
    verifier: Verifier,
    signers: Vec<FakeSigner>,
}

impl Chain {
    pub(crate) fn new(size: usize, checkpoint_interval: u64, window: u64) -> Self {
        let signers: Vec<FakeSigner> = (1..=size).map(|seed| FakeSigner::new(u8::try_from(seed).unwrap())).collect();
        let keys = signers.iter().map(Signer::public_key).collect();
        let parameters = Parameters { checkpoint_interval, window };
        let genesis = Digest::from_bytes([0x67; 32]);
        let membership = Arc::new(Membership::new(genesis, Epoch::ZERO, parameters, keys));
        let verifier = Verifier::new(Arc::clone(&membership), Arc::new(FakeScheme));
        Self { membership, verifier, signers }
    }

    pub(crate) fn sign(&self, payload: Payload, signer: ReplicaId) -> Message {
        sign(payload, signer, self.membership.scope(), &self.signers[signer.index()])
    }

    pub(crate) fn signed<T: Signable>(&self, payload: T, signer: ReplicaId) -> Signed<T> {
        Signed::new(payload, signer, self.membership.scope(), &self.signers[signer.index()])
    }

    pub(crate) fn signature<T: Signable>(&self, payload: &T, signer: ReplicaId) -> Signature {
        self.signers[signer.index()].sign(&payload.signing_bytes(self.membership.scope()))
    }

    /// The signatures of the first `count` members but `except`.
    pub(crate) fn votes<T: Signable>(&self, payload: &T, count: usize, except: Option<ReplicaId>) -> Votes {
        let voters = self.membership.ids().filter(|voter| Some(*voter) != except);
        voters.take(count).map(|voter| (voter, self.signature(payload, voter))).collect()
    }

    pub(crate) fn prepared(&self, view: View, seq: SeqNum, digest: Digest) -> PreparedCertificate {
        let primary = self.membership.primary(view);
        PreparedCertificate {
            view,
            seq,
            digest,
            pre_prepare: self.signature(&PrePrepare { view, seq, digest }, primary),
            prepares: self.votes(&Prepare { view, seq, digest }, self.membership.quorum() - 1, Some(primary)),
        }
    }

    /// Everything that enters a replica goes through the real verifier. What an honest replica or a scenario makes always passes.
    pub(crate) fn verified(&self, message: Message) -> Verified<Message> {
        self.verifier.message(message).expect("the verifier refuses what was sent")
    }

    /// As [`Chain::verified`], for messages that may be malformed.
    pub(crate) fn try_verified(&self, message: Message) -> Option<Verified<Message>> {
        self.verifier.message(message).ok()
    }

    pub(crate) fn verified_transaction(&self, transaction: Transaction) -> Verified<Transaction> {
        self.verifier.transaction(transaction).expect("the verifier refuses what was submitted")
    }

    /// The transaction of a client, named by a letter, under a nonce. Another variant is another command. Those of client W let the machine
    /// wait for a time; those of client M ask the primary of a view to give way, and the variant is the view.
    pub(crate) fn transaction(&self, client: char, nonce: u64, variant: usize, valid_until: Timestamp) -> Transaction {
        let signer = FakeSigner::new(u8::try_from(client).unwrap() | 0x80);
        let body = TransactionBody {
            chain: self.membership.scope().genesis,
            sender: signer.public_key(),
            nonce,
            valid_until,
            command: match client {
                'W' => vec![WAIT; variant + 1],
                'M' => vec![MOVE; variant + 1],
                _ => vec![b'x'; variant],
            },
        };
        body.sign(self.membership.scope(), &signer)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        let size = self.membership.size();
        (0..size).map(id)
    }
}
