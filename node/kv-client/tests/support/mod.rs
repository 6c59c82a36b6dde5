//! Replicas that execute one order, each in its own time, and some of them liars.
#![allow(dead_code, reason = "each topic uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

pub(crate) mod lies;
pub(crate) mod world;

use std::sync::Arc;

use tetrarch_crypto::{Digest, PublicKey, Signature};
use tetrarch_kv::store::{Detail, Place, Previous, Story};
use tetrarch_kv::{Command, Execution, KvMachine, KvQuery, QueryAnswer, QueryResult, Retention};
use tetrarch_kv_client::Told;
use tetrarch_kv_client::watch::{Change, Happened};
use tetrarch_storage::MemoryStore;
use tetrarch_types::{
    Batch, CommitCertificate, CommittedBatch, Epoch, Membership, Parameters, SeqNum, Timestamp, Transaction,
    TransactionBody, View,
};

const CHAIN: [u8; 32] = [7; 32];
const NOW: u64 = 1_000_000_000_000;

/// A membership of so many replicas; which keys they have does not matter here.
pub(crate) fn membership(size: u8) -> Membership {
    let parameters = Parameters { checkpoint_interval: 1_024, window: 2_048 };
    let keys = (0..size).map(|key| PublicKey::from_bytes([key; 32])).collect();
    Membership::new(Digest::from_bytes(CHAIN), Epoch::ZERO, parameters, keys)
}

/// The batch with this number, of one command.
pub(crate) fn batch(seq: u64, command: &Command) -> CommittedBatch {
    let body = TransactionBody {
        chain: Digest::from_bytes(CHAIN),
        sender: PublicKey::from_bytes([1; 32]),
        nonce: seq,
        valid_until: Timestamp::from_micros(NOW + 60_000_000),
        command: command.encode(),
    };
    let transactions = vec![Transaction { body, signature: Signature::from_bytes([1; 64]) }];
    let batch = Batch {
        timestamp: Timestamp::from_micros(NOW),
        transactions: transactions.iter().map(Transaction::id).collect(),
    };
    let seq = SeqNum::new(seq);
    let certificate = CommitCertificate { view: View::ZERO, seq, digest: batch.digest(), commits: Vec::new() };
    CommittedBatch { seq, batch, transactions, certificate }
}

/// One replica's store.
pub(crate) struct Replica(Execution<KvMachine, Arc<MemoryStore>>);

impl Replica {
    pub(crate) fn new(membership: &Membership) -> Self {
        let store = Arc::new(MemoryStore::new());
        Execution::<KvMachine, _>::init(&store, membership).unwrap();
        Self(Execution::open(KvMachine, store, membership, Retention::default()).unwrap())
    }

    pub(crate) fn execute(&self, command: &Command) {
        let seq = self.executed().next().get();
        self.0.execute(&batch(seq, command)).unwrap();
    }

    pub(crate) fn executed(&self) -> SeqNum {
        self.0.executed()
    }

    pub(crate) fn tell(&self, query: &KvQuery) -> Told {
        let answer = self.0.query(&query.encode()).unwrap();
        Told { executed: answer.executed, result: QueryResult::decode(&answer.bytes).unwrap() }
    }

    /// What happened from a revision on, to the end.
    pub(crate) fn story(&self, from: u64) -> Vec<Happened> {
        let (mut all, mut place): (Vec<Happened>, _) = (Vec::new(), Place { revision: from, event: 0 });
        loop {
            let told = self.tell(&KvQuery::Story { from: place, detail: Detail::Previous }).result;
            let Ok(QueryAnswer::Story(Story { revisions, next, .. })) = told.answer else { panic!("{told:?}") };
            for told in revisions {
                let changes = told.events.into_iter().map(|event| self.change(told.revision, event));
                match all.last_mut().filter(|last| last.revision == told.revision) {
                    Some(last) => last.changes.extend(changes),
                    None => all.push(Happened { revision: told.revision, changes: changes.collect() }),
                }
            }
            place = next;
            if place.revision > told.revision {
                return all;
            }
        }
    }

    fn change(&self, revision: u64, event: tetrarch_kv::store::EventTold) -> Change {
        let previous = match event.previous {
            Previous::Nothing => None,
            Previous::Record(record) => Some(record),
            Previous::Digest(_) => {
                let query = tetrarch_kv::RangeRequest::one(event.key.clone()).at(revision - 1);
                let found = self.tell(&KvQuery::Range(query)).result.selection().unwrap();
                Some(found.records[0].1.clone())
            }
        };
        Change { key: event.key, put: event.put, previous }
    }
}
