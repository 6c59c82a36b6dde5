//! A chain with keys for everyone, and one valid specimen of everything that travels.

pub(crate) mod arbitrary;
pub(crate) mod arbitrary_state;
mod plain;
pub(crate) mod state;

use std::sync::Arc;

use tetrarch_crypto::{Digest, Ed25519, MerkleTree, Scope, Signature, Signer, SigningKey};
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, CommitCertificate, CommittedBatch, Epoch, Fetch, Genesis, Member,
    Membership, Message, NewView, Outcome, Parameters, Payload, PrePrepare, Prepare, PreparedCertificate, Rejection,
    ReplicaId, Reply, ReplyCertificate, Results, SeqNum, Signable, Signed, SignedResults, Status, Supply,
    TentativeResults, TentativeVotes, Timestamp, Transaction, TransactionBody, TransactionId, Verifier, View,
    ViewChange, Votes, result_leaf, sign,
};

/// Whose turn is under test: with four replicas, view 5 is replica 1's.
pub(crate) const VIEW: View = View::new(5);

/// The sizes that differ in how n relates to 3f + 1.
pub(crate) const SIZES: [usize; 6] = [1, 4, 5, 6, 7, 10];

pub(crate) fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

pub(crate) fn seq(number: u64) -> SeqNum {
    SeqNum::new(number)
}

pub(crate) fn id(number: usize) -> ReplicaId {
    ReplicaId::new(u16::try_from(number).unwrap())
}

/// A chain with the secret keys of all its replicas and of one client.
pub(crate) struct Chain {
    pub(crate) genesis: Genesis,
    pub(crate) membership: Arc<Membership>,
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) client: SigningKey,
}

impl Chain {
    pub(crate) fn of(size: usize) -> Self {
        let keys: Vec<SigningKey> =
            (1..=size).map(|seed| SigningKey::from_seed([u8::try_from(seed).unwrap(); 32])).collect();
        let genesis = Genesis {
            chain: "test".into(),
            salt: digest(0x5a),
            parameters: Parameters { checkpoint_interval: 4, window: 8 },
            replicas: keys.iter().zip(7000..).map(|(key, port)| member(key, port)).collect(),
        };
        let membership = Arc::new(genesis.membership());
        Self { genesis, membership, keys, client: SigningKey::from_seed([0xcc; 32]) }
    }

    pub(crate) fn scope(&self) -> &Scope {
        self.membership.scope()
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::new(Arc::clone(&self.membership), Arc::new(Ed25519))
    }

    /// The same members in another epoch.
    pub(crate) fn in_epoch(&self, epoch: u64) -> Membership {
        let keys = self.keys.iter().map(Signer::public_key).collect();
        Membership::new(self.scope().genesis, Epoch::new(epoch), *self.membership.parameters(), keys)
    }

    pub(crate) fn primary(&self) -> ReplicaId {
        self.membership.primary(VIEW)
    }

    /// A replica that is not the primary of [`VIEW`]; the only one there is in a membership of one.
    pub(crate) fn backup(&self) -> ReplicaId {
        self.membership.ids().find(|it| *it != self.primary()).unwrap_or(ReplicaId::ZERO)
    }

    pub(crate) fn signature<T: Signable>(&self, payload: &T, signer: ReplicaId) -> Signature {
        self.keys[signer.index()].sign(&payload.signing_bytes(self.scope()))
    }

    pub(crate) fn signed<T: Signable>(&self, payload: T, signer: ReplicaId) -> Signed<T> {
        Signed::new(payload, signer, self.scope(), &self.keys[signer.index()])
    }

    pub(crate) fn message(&self, payload: Payload, signer: ReplicaId) -> Message {
        sign(payload, signer, self.scope(), &self.keys[signer.index()])
    }

    pub(crate) fn judge(&self, message: Message) -> Result<(), Rejection> {
        self.verifier().message(message).map(|_| ())
    }

    pub(crate) fn body(&self, nonce: u64) -> TransactionBody {
        TransactionBody {
            chain: self.scope().genesis,
            sender: self.client.public_key(),
            nonce,
            valid_until: Timestamp::from_micros(1_700_000_000_000_000),
            command: format!("put {nonce}").into_bytes(),
        }
    }

    pub(crate) fn transaction(&self, nonce: u64) -> Transaction {
        self.body(nonce).sign(self.scope(), &self.client)
    }

    pub(crate) fn batch(&self) -> (Batch, Vec<Transaction>) {
        let transactions: Vec<Transaction> = (1..=3).map(|nonce| self.transaction(nonce)).collect();
        (batch_of(&transactions), transactions)
    }

    /// Votes of exactly `count` members, the lowest but `except`.
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

    pub(crate) fn committed(&self, seq: SeqNum, digest: Digest) -> CommitCertificate {
        let commits = self.votes(&Commit { view: VIEW, seq, digest }, self.membership.quorum(), None);
        CommitCertificate { view: VIEW, seq, digest, commits }
    }

    pub(crate) fn committed_batch(&self, seq: SeqNum) -> CommittedBatch {
        let (batch, transactions) = self.batch();
        let certificate = self.committed(seq, batch.digest());
        CommittedBatch { seq, batch, transactions, certificate }
    }

    pub(crate) fn checkpoint(&self, seq: SeqNum) -> CheckpointCertificate {
        self.checkpoint_of(seq, digest(0x77))
    }

    /// A VIEW-CHANGE to [`VIEW`] above a stable checkpoint at 4, with batches prepared at 5 and at 12, the window's top.
    pub(crate) fn view_change(&self) -> ViewChange {
        let prepared =
            vec![self.prepared(View::new(2), seq(5), digest(0x21)), self.prepared(View::new(4), seq(12), digest(0x22))];
        ViewChange { view: VIEW, stable: self.checkpoint(seq(4)), prepared }
    }

    /// A NEW-VIEW for [`VIEW`] as its primary makes it.
    pub(crate) fn new_view(&self) -> NewView {
        let changers = self.membership.ids().take(self.membership.quorum());
        let propose = |number, digest| {
            let assignment = PrePrepare { view: VIEW, seq: seq(number), digest };
            self.signed(assignment, self.primary())
        };
        NewView {
            view: VIEW,
            view_changes: changers.map(|changer| self.signed(self.view_change(), changer)).collect(),
            proposals: vec![propose(5, digest(0x21)), propose(6, Batch::noop().digest())],
        }
    }

    /// A stable checkpoint with this root.
    pub(crate) fn checkpoint_of(&self, seq: SeqNum, state_root: Digest) -> CheckpointCertificate {
        let votes = self.votes(&Checkpoint { seq, state_root }, self.membership.quorum(), None);
        CheckpointCertificate { seq, state_root, votes }
    }

    /// One valid message of every variant, and of every variant of a fetch and of a supply.
    pub(crate) fn messages(&self) -> Vec<(&'static str, Message)> {
        let (backup, primary) = (self.backup(), self.primary());
        let fetch = |fetch| self.message(Payload::Fetch(fetch), backup);
        let supply = |supply| self.message(Payload::Supply(supply), backup);
        let (batch, transactions) = self.batch();
        let digest = batch.digest();
        let (view, here) = (VIEW, seq(9));
        let assignment = PrePrepare { view, seq: here, digest };
        let ids = batch.transactions.clone();
        let mut messages = self.small_messages();
        messages.extend([
            ("PrePrepare", self.message(Payload::PrePrepare { assignment, batch: batch.clone() }, primary)),
            ("ViewChange", self.message(Payload::ViewChange(self.view_change()), backup)),
            ("NewView", Message::NewView(self.signed(self.new_view(), primary))),
            ("Fetch::Transactions", fetch(Fetch::Transactions(ids))),
            ("Fetch::Batch", fetch(Fetch::Batch(digest))),
            ("Fetch::Committed", fetch(Fetch::Committed { after: seq(8) })),
            ("Supply::Transactions", supply(Supply::Transactions(transactions.clone()))),
            ("Supply::Batch", supply(Supply::Batch { batch: batch.clone(), transactions })),
            ("Supply::Draft", self.message(Payload::Supply(Supply::Draft { view, seq: here, batch }), primary)),
            ("Supply::Committed", supply(Supply::Committed(vec![self.committed_batch(here)]))),
        ]);
        messages.extend(self.state_messages());
        messages
    }

    fn small_messages(&self) -> Vec<(&'static str, Message)> {
        let (view, seq, digest) = (VIEW, seq(9), self.batch().0.digest());
        let state_root = self::digest(0x77);
        let status = Status { view, changing: true, executed: seq, stable: SeqNum::new(8), slow: false };
        let message = |payload| self.message(payload, self.backup());
        vec![
            ("Prepare", message(Payload::Prepare(Prepare { view, seq, digest }))),
            ("Commit", message(Payload::Commit(Commit { view, seq, digest }))),
            ("Checkpoint", message(Payload::Checkpoint(Checkpoint { seq: SeqNum::new(8), state_root }))),
            ("Status", message(Payload::Status(status))),
        ]
    }

    /// What `signer` answers to the second of the three transactions of [`Chain::batch`], executed at 9.
    pub(crate) fn reply(&self, signer: ReplicaId) -> Reply {
        let transactions = self.batch().1;
        let tree = result_tree(&transactions);
        Reply {
            transaction: transactions[1].id(),
            outcome: outcome(1),
            path: tree.path(1).unwrap(),
            results: SignedResults::Decided(self.signed(Results { seq: seq(9), root: tree.root() }, signer)),
        }
    }

    /// The same, before the batch is decided: it is prepared in a view.
    pub(crate) fn tentative_reply(&self, signer: ReplicaId) -> Reply {
        let decided = self.reply(signer);
        let results = TentativeResults { view: VIEW, seq: seq(9), root: decided.results.root() };
        Reply { results: SignedResults::Tentative(self.signed(results, signer)), ..decided }
    }

    pub(crate) fn reply_certificate(&self) -> ReplyCertificate {
        let transactions = self.batch().1;
        let tree = result_tree(&transactions);
        let results = Results { seq: seq(9), root: tree.root() };
        ReplyCertificate {
            transaction: transactions[1].clone(),
            outcome: outcome(1),
            seq: results.seq,
            path: tree.path(1).unwrap(),
            votes: self.votes(&results, self.membership.weak_quorum(), None),
            tentative: None,
        }
    }

    /// The same of what is prepared, by a quorum of which the first one signed it as decided.
    pub(crate) fn tentative_certificate(&self) -> ReplyCertificate {
        let decided = self.reply_certificate();
        let root = self.reply(id(0)).results.root();
        let results = TentativeResults { view: VIEW, seq: decided.seq, root };
        let votes = self.votes(&results, self.membership.quorum(), None).split_off(1);
        let tentative = Some(TentativeVotes { view: VIEW, votes });
        ReplyCertificate { votes: decided.votes[..1].to_vec(), tentative, ..decided }
    }
}

pub(crate) fn batch_of(transactions: &[Transaction]) -> Batch {
    let timestamp = Timestamp::from_micros(1_600_000_000_000_000);
    Batch { timestamp, transactions: transactions.iter().map(Transaction::id).collect() }
}

/// A batch of `count` different ids, whatever they may name.
pub(crate) fn batch_of_ids(count: u64) -> Batch {
    let name = |number: u64| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        TransactionId::new(Digest::from_bytes(bytes))
    };
    Batch { timestamp: Timestamp::from_micros(1), transactions: (0..count).map(name).collect() }
}

fn member(key: &SigningKey, port: u16) -> Member {
    Member {
        public_key: key.public_key(),
        peer_address: ([127, 0, 0, 1], port).into(),
        client_address: ([127, 0, 0, 1], port + 100).into(),
    }
}

fn outcome(index: usize) -> Outcome {
    Outcome::Executed(format!("done {index}").into_bytes())
}

fn result_tree(transactions: &[Transaction]) -> MerkleTree {
    let leaf = |(index, it): (usize, &Transaction)| result_leaf(&it.id(), &outcome(index));
    MerkleTree::new(transactions.iter().enumerate().map(leaf).collect())
}
