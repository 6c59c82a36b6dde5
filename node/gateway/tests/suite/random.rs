//! Random sequences of calls to a gateway and a real etcd: every response the same, revisions, counts and errors among it.

use crate::support::pair::Pair;
use tetrarch_chance::Rng;
use tetrarch_gateway::messages::kv::{CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest};
use tetrarch_gateway::messages::txn::{Compare, Operation, RequestOp, TargetUnion, TxnRequest};

const SEEDS: u64 = 4;
const CALLS: u64 = 300;
/// Transactions within transactions.
const DEPTH: u64 = 2;

/// Draws calls about a few keys, so that they meet.
struct Draw {
    chance: Rng,
    /// About how far the revision has come.
    revision: u64,
}

impl Draw {
    fn often(&mut self, one_in: u64) -> bool {
        self.chance.below(one_in) == 0
    }

    fn key(&mut self) -> Vec<u8> {
        self.chance.one_of(["a", "b", "ba", "c", "d", "\0"]).as_bytes().to_vec()
    }

    fn end(&mut self) -> Vec<u8> {
        if self.often(2) { Vec::new() } else { self.chance.one_of(["\0", "b", "c", "e"]).as_bytes().to_vec() }
    }

    fn value(&mut self) -> Vec<u8> {
        self.chance.one_of(["", "1", "2", "3"]).as_bytes().to_vec()
    }

    fn number(&mut self, below: u64) -> i64 {
        i64::try_from(self.chance.below(below)).unwrap()
    }

    /// A revision, mostly one that there is; seldom asked for.
    fn revision(&mut self) -> i64 {
        if self.often(4) { self.number(self.revision + 2) } else { 0 }
    }

    fn kind(&mut self, kinds: u64) -> i32 {
        i32::try_from(self.chance.below(kinds)).unwrap()
    }

    fn range(&mut self) -> RangeRequest {
        RangeRequest {
            key: self.key(),
            range_end: self.end(),
            limit: if self.often(3) { self.number(4) } else { 0 },
            revision: self.revision(),
            sort_order: self.kind(3),
            sort_target: self.kind(5),
            serializable: false,
            keys_only: self.often(5),
            count_only: self.often(8),
            min_mod_revision: self.revision(),
            max_mod_revision: self.revision(),
            min_create_revision: self.revision(),
            max_create_revision: self.revision(),
        }
    }

    fn put(&mut self) -> PutRequest {
        let ignore_value = self.often(8);
        let value = if ignore_value { Vec::new() } else { self.value() };
        let lease = if self.often(20) { 99 } else { 0 };
        PutRequest { key: self.key(), value, lease, prev_kv: self.often(2), ignore_value, ignore_lease: self.often(8) }
    }

    fn delete(&mut self) -> DeleteRangeRequest {
        DeleteRangeRequest { key: self.key(), range_end: self.end(), prev_kv: self.often(2) }
    }

    /// etcd overlooks that a key is put and deleted, where the deletion has no end or a nested transaction deletes; the store does not, since a
    /// revision has one event a key. Neither is drawn.
    fn delete_in_txn(&mut self) -> DeleteRangeRequest {
        let delete = self.delete();
        if delete.range_end == [0] { DeleteRangeRequest { range_end: Vec::new(), ..delete } } else { delete }
    }

    fn compare(&mut self) -> Compare {
        let number = self.number(self.revision);
        let (target, value) = match self.chance.below(5) {
            0 => (0, TargetUnion::Version(self.number(4))),
            1 => (1, TargetUnion::CreateRevision(number)),
            2 => (2, TargetUnion::ModRevision(number)),
            3 => (3, TargetUnion::Value(self.value())),
            _ => (4, TargetUnion::Lease(0)),
        };
        let range_end = if self.often(4) { self.end() } else { Vec::new() };
        Compare { result: self.kind(4), target, key: self.key(), target_union: Some(value), range_end }
    }

    fn operation(&mut self, depth: u64) -> RequestOp {
        let operation = match self.chance.below(7) {
            0 | 1 => Operation::Range(self.range()),
            5 if depth == DEPTH => Operation::DeleteRange(self.delete_in_txn()),
            6 if depth > 0 => Operation::Txn(self.txn(depth - 1)),
            _ => Operation::Put(self.put()),
        };
        RequestOp { request: Some(operation) }
    }

    fn txn(&mut self, depth: u64) -> TxnRequest {
        let [compares, success, failure] = [3, 4, 4].map(|below| self.chance.below(below));
        TxnRequest {
            compare: (0..compares).map(|_| self.compare()).collect(),
            success: (0..success).map(|_| self.operation(depth)).collect(),
            failure: (0..failure).map(|_| self.operation(depth)).collect(),
        }
    }

    async fn call(&mut self, pair: &Pair) {
        match self.chance.below(20) {
            0..=5 => pair.put(self.put()).await,
            6..=9 => pair.range(self.range()).await,
            10 | 11 => pair.delete(self.delete()).await,
            12 if self.often(3) => {
                let revision = self.number(self.revision) + 1;
                pair.compact(CompactionRequest { revision, physical: false }).await;
            }
            _ => {
                let txn = self.txn(DEPTH);
                if let Ok(response) = pair.txn(txn).await {
                    self.revision = u64::try_from(response.header.unwrap().revision).unwrap();
                }
            }
        }
    }
}

#[tokio::test]
async fn random_calls_are_answered_as_etcd_answers_them() {
    for seed in 0..SEEDS {
        let Some(pair) = Pair::start().await else { return };
        let mut draw = Draw { chance: Rng::new(seed), revision: 1 };
        for _ in 0..CALLS {
            draw.call(&pair).await;
        }
        pair.range(RangeRequest { key: vec![0], range_end: vec![0], ..Default::default() }).await;
        assert!(draw.revision > 20, "seed {seed}: only {} revisions", draw.revision);
    }
}
