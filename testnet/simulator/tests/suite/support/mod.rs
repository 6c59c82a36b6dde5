//! Observations made by hand: four replicas, of which the last lies.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use tetrarch_crypto::{Digest, MerkleTree, Scope, Signer};
use tetrarch_kv::{Command, Executed, Execution, KvMachine, Retention, StoredReply};
use tetrarch_replica::PoolLimits;
use tetrarch_simulator::letter::Letter;
use tetrarch_simulator::oracles::{self, Oracle, Rules, Verdict};
use tetrarch_simulator::scheme::{FakeScheme, FakeSigner};
use tetrarch_simulator::sight::{Sight, Told};
use tetrarch_simulator::state_digest::state_digest;
use tetrarch_simulator::{KvWorkload, Workload};
use tetrarch_storage::MemoryStore;
use tetrarch_types::*;

pub(crate) const LIAR: u16 = 3;

pub(crate) fn id(replica: u16) -> ReplicaId {
    ReplicaId::new(replica)
}

pub(crate) fn signer(replica: u16) -> FakeSigner {
    FakeSigner::from_seed([replica as u8 + 1; 32])
}

pub(crate) fn client() -> FakeSigner {
    FakeSigner::from_seed([99; 32])
}

pub(crate) fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

pub(crate) fn scope() -> Scope {
    Scope { genesis: digest(42), epoch: 0 }
}

pub(crate) fn rules() -> Rules {
    Rules {
        keys: (0..4).map(|replica| signer(replica).public_key()).collect(),
        scope: scope(),
        scheme: Arc::new(FakeScheme),
        checkpoint_interval: 4,
        window: 8,
        pool: PoolLimits { transactions: 10, bytes: 1_000, per_sender: 2 },
        liars: BTreeSet::from([id(LIAR)]),
    }
}

/// The oracles of runs of the store.
pub(crate) fn all_oracles() -> Vec<Box<dyn Oracle>> {
    let workload: Arc<dyn Workload> = Arc::new(KvWorkload);
    oracles::all(&workload)
}

/// What the oracle of this name says to these sights, and at the end.
pub(crate) fn verdict(name: &str, sights: impl IntoIterator<Item = Sight>) -> Verdict {
    let mut oracle = all_oracles().into_iter().find(|oracle| oracle.name() == name).expect("there is such an oracle");
    let rules = rules();
    for sight in sights {
        oracle.see(&sight, &rules)?;
    }
    oracle.conclude(&rules)
}

pub(crate) fn by<T: Signable>(replica: u16, payload: T) -> Signed<T> {
    Signed::new(payload, id(replica), &scope(), &signer(replica))
}

pub(crate) fn votes<T: Signable + Copy>(payload: T, replicas: impl IntoIterator<Item = u16>) -> Votes {
    replicas.into_iter().map(|replica| (id(replica), by(replica, payload).signature)).collect()
}

pub(crate) fn sent(replica: u16, message: Message) -> Sight {
    Sight::Sent { by: id(replica), message: Letter::new(message) }
}

pub(crate) fn view(number: u64) -> View {
    View::new(number)
}

pub(crate) fn seq(number: u64) -> SeqNum {
    SeqNum::new(number)
}

pub(crate) fn transaction(nonce: u64, command: &Command) -> Transaction {
    let valid_until = Timestamp::from_micros(3_000_000_000);
    let command = command.encode();
    TransactionBody { chain: scope().genesis, sender: client().public_key(), nonce, valid_until, command }
        .sign(&scope(), &client())
}

pub(crate) fn put(nonce: u64) -> Transaction {
    transaction(nonce, &Command::put("key", nonce.to_be_bytes()))
}

pub(crate) fn issued(transaction: &Transaction) -> Sight {
    Sight::Issued { transaction: transaction.clone(), at: Time::ZERO }
}

/// A batch of these, decided by these replicas in view 0.
pub(crate) fn decided(at: u64, transactions: &[Transaction], deciders: std::ops::Range<u16>) -> CommittedBatch {
    let ids = transactions.iter().map(Transaction::id).collect();
    let batch = Batch { timestamp: Timestamp::from_micros(at), transactions: ids };
    let (view, seq, digest) = (view(0), seq(at), batch.digest());
    let commits = votes(Commit { view, seq, digest }, deciders);
    let certificate = CommitCertificate { view, seq, digest, commits };
    CommittedBatch { seq, batch, transactions: transactions.to_vec(), certificate }
}

pub(crate) fn executing(replica: u16, batch: &CommittedBatch) -> Sight {
    Sight::Executing { by: id(replica), batch: Rc::new(batch.clone()) }
}

pub(crate) fn reply(at: u64, transaction: &Transaction, outcome: Outcome) -> StoredReply {
    let tree = MerkleTree::new(vec![result_leaf(&transaction.id(), &outcome)]);
    let path = tree.path(0).expect("a tree of one leaf has a path to it");
    StoredReply { transaction: transaction.id(), seq: seq(at), outcome, path, results_root: tree.root() }
}

pub(crate) fn executed(replica: u16, at: u64, replies: Vec<StoredReply>, checkpoint: Option<Digest>) -> Sight {
    let executed = Executed {
        seq: seq(at),
        results_root: digest(0),
        replies,
        alarm: None,
        leaves: None,
        checkpoint,
        snapshot_error: None,
    };
    Sight::Executed { by: id(replica), executed }
}

pub(crate) fn told(at: u64, transaction: &Transaction, outcome: Outcome) -> Sight {
    let answer = Told { transaction: transaction.id(), seq: seq(at), outcome, is_early: false };
    Sight::Told { answer, at: Time::ZERO }
}

pub(crate) fn prepared(
    at: u64,
    of: u64,
    digest: Digest,
    by_replicas: impl IntoIterator<Item = u16>,
) -> PreparedCertificate {
    let (view, seq) = (view(of), seq(at));
    let primary = (of % 4) as u16;
    PreparedCertificate {
        view,
        seq,
        digest,
        pre_prepare: by(primary, PrePrepare { view, seq, digest }).signature,
        prepares: votes(Prepare { view, seq, digest }, by_replicas),
    }
}

pub(crate) fn view_change(replica: u16, to: u64, prepared: Vec<PreparedCertificate>) -> Signed<ViewChange> {
    by(replica, ViewChange { view: view(to), stable: CheckpointCertificate::genesis(), prepared })
}

/// The roots of the checkpoints that these batches come to, and the state behind each of them.
pub(crate) fn replayed(batches: &[CommittedBatch]) -> (BTreeMap<u64, Digest>, BTreeMap<u64, Digest>) {
    let Rules { keys, scope, checkpoint_interval, window, .. } = rules();
    let parameters = Parameters { checkpoint_interval, window };
    let membership = Membership::new(scope.genesis, Epoch::new(scope.epoch), parameters, keys);
    let store = Arc::new(MemoryStore::new());
    type State = Execution<KvMachine, Arc<MemoryStore>>;
    State::init(&store, &membership).expect("an empty store");
    let retention = Retention { batches: 100, bytes: 1 << 20 };
    let state = State::open(KvMachine, store.clone(), &membership, retention).expect("the start of a chain");
    let (mut roots, mut ends) = (BTreeMap::new(), BTreeMap::new());
    for batch in batches {
        let executed = state.execute(batch).expect("the next batch");
        roots.extend(executed.checkpoint.map(|root| (batch.seq.get(), root)));
        let digest = state_digest(&store, &State::rooted_tables(&KvMachine)).expect("a store in memory");
        ends.insert(batch.seq.get(), digest);
    }
    (roots, ends)
}
