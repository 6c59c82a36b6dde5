//! Keys, transactions, compaction.

use etcd_client::{
    Client, Compare, CompareOp, DeleteOptions, GetOptions, GetResponse, PutOptions, SortOrder, SortTarget, Txn, TxnOp,
    TxnOpResponse,
};

use crate::refusal;

fn pairs(told: &GetResponse) -> Vec<(&str, &str)> {
    told.kvs().iter().map(|kv| (kv.key_str().unwrap(), kv.value_str().unwrap())).collect()
}

pub async fn keys(mut client: Client) {
    let first = client.put("k/a", "1", None).await.unwrap().header().unwrap().revision();
    let put = client.put("k/a", "2", Some(PutOptions::new().with_prev_key())).await.unwrap();
    assert_eq!(put.prev_key().unwrap().value_str().unwrap(), "1");
    client.put("k/b", "3", None).await.unwrap();
    client.put("l", "4", None).await.unwrap();
    assert_eq!(pairs(&client.get("k/a", None).await.unwrap()), [("k/a", "2")]);
    let past = GetOptions::new().with_revision(first);
    assert_eq!(pairs(&client.get("k/a", Some(past)).await.unwrap()), [("k/a", "1")]);
    let prefix = GetOptions::new().with_prefix();
    assert_eq!(pairs(&client.get("k/", Some(prefix.clone())).await.unwrap()), [("k/a", "2"), ("k/b", "3")]);
    let last = prefix.clone().with_sort(SortTarget::Mod, SortOrder::Descend).with_limit(1);
    let last = client.get("k/", Some(last)).await.unwrap();
    assert_eq!((pairs(&last), last.count(), last.more()), (vec![("k/b", "3")], 2, true));
    let names = client.get("k/", Some(prefix.clone().with_keys_only())).await.unwrap();
    assert_eq!(pairs(&names), [("k/a", ""), ("k/b", "")]);
    let counted = client.get("k/", Some(prefix.with_count_only().with_serializable())).await.unwrap();
    assert!(counted.kvs().is_empty());
    let deleted = client.delete("k/", Some(DeleteOptions::new().with_prefix().with_prev_key())).await.unwrap();
    assert_eq!((deleted.deleted(), deleted.prev_kvs().len()), (2, 2));
    assert_eq!(client.delete("k/a", None).await.unwrap().deleted(), 0);
    let refused = refusal(client.put("", "no key", None).await);
    assert!(refused.contains("etcdserver: key is not provided"), "{refused}");
}

pub async fn transactions(mut client: Client) {
    client.put("txn", "1", None).await.unwrap();
    let swap = Txn::new()
        .when([Compare::value("txn", CompareOp::Equal, "1"), Compare::create_revision("none", CompareOp::Equal, 0)])
        .and_then([TxnOp::put("txn", "2", None), TxnOp::get("txn", None)])
        .or_else([TxnOp::txn(Txn::new().and_then([TxnOp::get("txn", None)]))]);
    let done = client.txn(swap.clone()).await.unwrap();
    assert!(done.succeeded());
    let [TxnOpResponse::Put(_), TxnOpResponse::Get(got)] = &done.op_responses()[..] else { panic!("{done:?}") };
    assert_eq!(pairs(got), [("txn", "2")]);
    let done = client.txn(swap).await.unwrap();
    assert!(!done.succeeded());
    let [TxnOpResponse::Txn(inner)] = &done.op_responses()[..] else { panic!("{done:?}") };
    let [TxnOpResponse::Get(got)] = &inner.op_responses()[..] else { panic!("{inner:?}") };
    assert_eq!(pairs(got), [("txn", "2")]);
}

pub async fn compaction(mut client: Client) {
    let first = client.put("old", "1", None).await.unwrap().header().unwrap().revision();
    let second = client.put("old", "2", None).await.unwrap().header().unwrap().revision();
    client.compact(second, None).await.unwrap();
    let refused = refusal(client.get("old", Some(GetOptions::new().with_revision(first))).await);
    assert!(refused.contains("etcdserver: mvcc: required revision has been compacted"), "{refused}");
    let kept = client.get("old", Some(GetOptions::new().with_revision(second))).await.unwrap();
    assert_eq!(pairs(&kept), [("old", "2")]);
}
