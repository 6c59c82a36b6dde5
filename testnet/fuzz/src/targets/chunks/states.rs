//! The states that are fetched, and those to begin with: one history, kept after each of its batches.

use std::sync::{Arc, LazyLock};

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_crypto::{Digest, PublicKey, Signature};
use tetrarch_kv::{Command, Execution, KvMachine, Request, Retention};
use tetrarch_storage::{Direction, Durability, MemoryStore, Pair, Reader, Store, Table, WriteBatch};
use tetrarch_types::{
    Batch, CheckpointCertificate, CommitCertificate, CommittedBatch, Epoch, Membership, Parameters, SeqNum, StatePart,
    Timestamp, Transaction, TransactionBody, View,
};

/// K.
const INTERVAL: u64 = 2;

/// How many batches the history has.
const BATCHES: u64 = 6;

/// Keys that each batch writes.
const KEYS: u64 = 12;

const GENESIS: Digest = Digest::from_bytes([7; 32]);
const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// Tables of a node's own, which replicas need not agree on.
const OWN: [&str; 4] = ["execution.local", "execution.ledger", "execution.bodies", "execution.places"];

pub(super) static DONOR: LazyLock<Donor> = LazyLock::new(Donor::new);

/// Every row of every table that replicas agree on.
pub(super) type Dump = Vec<(Table, Vec<Pair>)>;

pub(super) struct Donor {
    pub(super) batches: Vec<CommittedBatch>,
    /// The store before each of the batches.
    pub(super) stores: Vec<MemoryStore>,
    pub(super) certificates: Vec<CheckpointCertificate>,
    dumps: Vec<(SeqNum, Dump)>,
    state: Execution<KvMachine, Arc<MemoryStore>>,
}

pub(super) fn membership() -> Membership {
    let parameters = Parameters { checkpoint_interval: INTERVAL, window: 2 * INTERVAL };
    Membership::new(GENESIS, Epoch::ZERO, parameters, Vec::new())
}

pub(super) fn replicated(reader: &dyn Reader) -> Dump {
    let tables = Execution::<KvMachine, Arc<MemoryStore>>::tables(&KvMachine).into_iter();
    let shared = tables.filter(|table| !OWN.contains(&table.name()));
    let rows = |table| reader.scan(table, b"", b"", Direction::Ascending, usize::MAX).unwrap_or_default();
    shared.map(|table| (table, rows(table))).collect()
}

/// Damages one row of the state, as a disk might. False if there is none.
pub(super) fn harm(store: &MemoryStore, which: u8) -> bool {
    let dump = replicated(store);
    let rows = dump.iter().flat_map(|(table, rows)| rows.iter().map(move |(key, value)| (*table, key, value)));
    // What tells the chain and the place in it is not for a transfer to mend: a store that lost it does not open.
    let rows = rows.filter(|(table, ..)| table.name().starts_with("kv."));
    let all: Vec<_> = rows.collect();
    let Some((table, key, value)) = all.get(usize::from(which) % all.len().max(1)) else { return false };
    let mut batch = WriteBatch::new();
    if which & 1 == 0 {
        batch.delete(*table, key.as_slice());
    } else {
        batch.put(*table, key.as_slice(), [value.as_slice(), b"x"].concat());
    }
    store.write(batch, Durability::Buffered).expect("memory takes every write");
    true
}

impl Donor {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        Execution::<KvMachine, Arc<MemoryStore>>::init(&store, &membership()).expect("it is empty");
        let open = Execution::open(KvMachine, store.clone(), &membership(), Retention::default());
        let state = open.expect("it was just made");
        let (mut stores, mut certificates, mut dumps) = (Vec::new(), Vec::new(), Vec::new());
        let batches: Vec<CommittedBatch> = (1..=BATCHES).map(batch).collect();
        for batch in &batches {
            stores.push((*store).clone());
            state.execute(batch).expect("batches come in order");
            if batch.seq.is_multiple_of(INTERVAL) {
                let (seq, state_root) = state.last_checkpoint();
                certificates.push(CheckpointCertificate { seq, state_root, votes: Vec::new() });
                dumps.push((seq, replicated(&*store)));
            }
        }
        Self { batches, stores, certificates, dumps, state }
    }

    pub(super) fn dump(&self, seq: SeqNum) -> &Dump {
        let found = self.dumps.iter().find(|(at, _)| *at == seq);
        &found.expect("only these checkpoints are certified").1
    }

    pub(super) fn parts(&self, seq: SeqNum, asked: &[Prefix], rows_up_to: u32) -> Option<Vec<(Prefix, StatePart)>> {
        self.state.parts(seq, asked, rows_up_to).expect("memory can be read")
    }
}

/// Writes some keys, overwrites some and removes some.
fn batch(number: u64) -> CommittedBatch {
    let key = |at: u64| format!("key {:03}", at % 40).into_bytes();
    let value = |at: u64| vec![at as u8; 10 + (at % 7) as usize * 40];
    let one = |at: u64| match at % 9 {
        0 => Request::delete(key(at)),
        _ => Request::put(key(at), value(at)),
    };
    let command = Command::new((0..KEYS).map(|at| one(number * 17 + at)));
    let body = TransactionBody {
        chain: GENESIS,
        sender: PublicKey::from_bytes([1 + (number % 3) as u8; 32]),
        nonce: number,
        valid_until: NOW,
        command: command.encode(),
    };
    let transactions = vec![Transaction { body, signature: Signature::from_bytes([1; 64]) }];
    let seq = SeqNum::new(number);
    let batch = Batch { timestamp: NOW, transactions: transactions.iter().map(Transaction::id).collect() };
    let certificate = CommitCertificate { view: View::ZERO, seq, digest: batch.digest(), commits: Vec::new() };
    CommittedBatch { seq, batch, transactions, certificate }
}
