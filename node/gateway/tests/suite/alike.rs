//! Plain calls against a gateway and a real etcd: the same responses, codes and texts, down to what clients never send on purpose.

use crate::support::pair::Pair;
use tetrarch_gateway::messages::kv::{CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest};
use tetrarch_gateway::messages::txn::{Compare, Operation, RequestOp, TargetUnion, TxnRequest};

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn put(key: &str, value: &str) -> PutRequest {
    PutRequest { key: bytes(key), value: bytes(value), ..Default::default() }
}

fn range(key: &str, end: &str) -> RangeRequest {
    RangeRequest { key: bytes(key), range_end: bytes(end), ..Default::default() }
}

fn operation(operation: Operation) -> RequestOp {
    RequestOp { request: Some(operation) }
}

fn compare(result: i32, target: i32, key: &str, target_union: Option<TargetUnion>) -> Compare {
    Compare { result, target, key: bytes(key), target_union, range_end: Vec::new() }
}

#[tokio::test]
async fn ranges() {
    let Some(pair) = Pair::start().await else { return };
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3"), ("b", "4"), ("d", ""), ("a", "5")] {
        pair.put(PutRequest { prev_kv: true, ..put(key, value) }).await;
    }
    for (key, end) in [("", ""), ("", "z"), ("a", ""), ("a", "c"), ("c", "a"), ("b", "\0"), ("\0", "\0"), ("x", "")] {
        pair.range(range(key, end)).await;
        pair.range(RangeRequest { count_only: true, ..range(key, end) }).await;
        pair.range(RangeRequest { keys_only: true, limit: 2, revision: 4, ..range(key, end) }).await;
    }
    for number in [-3, -1, 0, 1, 2, 3, 4, 6, 7, 8] {
        let all = range("\0", "\0");
        pair.range(RangeRequest { limit: number, ..all.clone() }).await;
        pair.range(RangeRequest { revision: number, ..all.clone() }).await;
        pair.range(RangeRequest { min_mod_revision: number, ..all.clone() }).await;
        pair.range(RangeRequest { max_mod_revision: number, ..all.clone() }).await;
        pair.range(RangeRequest { min_create_revision: number, limit: 1, ..all.clone() }).await;
        pair.range(RangeRequest { max_create_revision: number, limit: 1, ..all }).await;
    }
}

#[tokio::test]
async fn puts_and_deletions() {
    let Some(pair) = Pair::start().await else { return };
    pair.put(put("k", "v")).await;
    for message in [
        put("", "v"),
        PutRequest { lease: 9, ..put("k", "v") },
        PutRequest { lease: -1, ..put("k", "v") },
        PutRequest { ignore_value: true, ..put("k", "v") },
        PutRequest { ignore_value: true, ..put("k", "") },
        PutRequest { ignore_value: true, ..put("none", "") },
        PutRequest { ignore_lease: true, lease: 9, ..put("k", "v") },
        PutRequest { ignore_lease: true, prev_kv: true, ..put("k", "w") },
        PutRequest { value: vec![0; 1_600_000], ..put("k", "") },
    ] {
        pair.put(message).await;
    }
    for (key, end) in [("", ""), ("none", ""), ("z", "a"), ("k", ""), ("k", ""), ("\0", "\0")] {
        let message = DeleteRangeRequest { key: bytes(key), range_end: bytes(end), prev_kv: true };
        pair.delete(message).await;
    }
    // On a store that was never compacted, etcd takes a compaction at 0, which changes nothing; the store refuses it.
    for revision in [-1, 3, 3, 2, 0, -1, 99, 4] {
        pair.compact(CompactionRequest { revision, physical: false }).await;
    }
}

#[tokio::test]
async fn compares() {
    let Some(pair) = Pair::start().await else { return };
    pair.put(put("k", "v")).await;
    pair.put(put("k", "w")).await;
    let values = [
        None,
        Some(TargetUnion::Version(2)),
        Some(TargetUnion::CreateRevision(2)),
        Some(TargetUnion::ModRevision(3)),
        Some(TargetUnion::Value(bytes("w"))),
        Some(TargetUnion::Value(Vec::new())),
        Some(TargetUnion::Lease(0)),
    ];
    for key in ["k", "none"] {
        for (target, result) in (0..5).flat_map(|target| (0..4).map(move |result| (target, result))) {
            for value in &values {
                let compare = vec![compare(result, target, key, value.clone())];
                pair.txn(TxnRequest { compare, ..Default::default() }).await.unwrap();
            }
        }
    }
    for (end, number) in [("\0", 1), ("z", 2), ("a", 0), ("l", 1)] {
        let compare = compare(1, 0, "a", Some(TargetUnion::Version(number)));
        let compare = vec![Compare { range_end: bytes(end), ..compare }];
        pair.txn(TxnRequest { compare, ..Default::default() }).await.unwrap();
    }
}

#[tokio::test]
async fn transactions() {
    let Some(pair) = Pair::start().await else { return };
    pair.put(put("k", "v")).await;
    let inner = TxnRequest {
        compare: vec![compare(0, 3, "k", Some(TargetUnion::Value(bytes("v"))))],
        success: vec![operation(Operation::Put(PutRequest { prev_kv: true, ..put("i", "1") }))],
        failure: vec![operation(Operation::Range(range("k", "")))],
    };
    let delete = DeleteRangeRequest { key: bytes("k"), range_end: Vec::new(), prev_kv: true };
    let outer = TxnRequest {
        success: vec![
            operation(Operation::Range(range("k", ""))),
            operation(Operation::DeleteRange(delete.clone())),
            operation(Operation::Txn(inner)),
            operation(Operation::Put(put("l", "2"))),
            operation(Operation::Range(range("\0", "\0"))),
        ],
        ..Default::default()
    };
    assert!(pair.txn(outer.clone()).await.unwrap().succeeded);
    assert!(pair.txn(outer).await.unwrap().succeeded);
    let of = |operations: Vec<Operation>| TxnRequest {
        success: operations.into_iter().map(operation).collect(),
        ..Default::default()
    };
    for refused in [
        of(vec![Operation::Put(put("k", "1")), Operation::Put(put("k", "2"))]),
        of(vec![Operation::Put(put("k", "1")), Operation::DeleteRange(delete)]),
        of(vec![Operation::Put(put("k", "1")), Operation::Put(PutRequest { lease: 5, ..put("l", "2") })]),
        of(vec![Operation::Put(put("k", "1")), Operation::Range(RangeRequest { revision: 99, ..range("k", "") })]),
        of(vec![Operation::Put(put("", "1"))]),
        of(vec![Operation::Range(range("k", "")); 129]),
        of(vec![Operation::Put(PutRequest { value: vec![0; 1_000_000], ..put("k", "") }); 2]),
        of([put("k", ""), put("l", "")]
            .map(|put| Operation::Put(PutRequest { value: vec![0; 900_000], ..put }))
            .into()),
        TxnRequest { success: vec![RequestOp { request: None }], ..Default::default() },
        TxnRequest { compare: vec![compare(0, 0, "", None)], ..Default::default() },
    ] {
        pair.txn(refused).await.unwrap_err();
    }
    pair.range(range("\0", "\0")).await;
}
