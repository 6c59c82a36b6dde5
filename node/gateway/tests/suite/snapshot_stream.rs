//! Snapshots as a stream: whole, of one revision, one at a time, and refused where there can be none.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::Running;
use crate::support::bolt::{self, Buckets};
use crate::support::calls::Caller;
use crate::support::scripted::Scripted;
use prost::Message;
use sha2::{Digest as _, Sha256};
use tetrarch_gateway::messages::KeyValue;
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse, RangeRequest, RangeResponse};
use tetrarch_gateway::messages::lease::{LeaseGrantRequest, LeaseGrantResponse};
use tetrarch_gateway::messages::maintenance::{SnapshotRequest, SnapshotResponse};
use tonic::{Code, Status, Streaming};

const SNAPSHOT: &str = "/etcdserverpb.Maintenance/Snapshot";

/// A snapshot's file, if the stream of it is whole.
async fn file(mut stream: Streaming<SnapshotResponse>) -> Vec<u8> {
    let (mut file, mut left, mut hash) = (Vec::new(), None, None);
    while let Some(message) = stream.message().await.unwrap() {
        assert!(hash.is_none(), "nothing comes behind the hash");
        if left == Some(0) {
            hash = Some(message.blob);
            continue;
        }
        file.extend_from_slice(&message.blob);
        assert!(left.is_none_or(|left| left == message.remaining_bytes + message.blob.len() as u64));
        left = Some(message.remaining_bytes);
    }
    assert_eq!(hash, Some(Sha256::digest(&file).to_vec()));
    file
}

async fn snapshot(caller: &Caller) -> Buckets {
    bolt::read(&file(ask(caller).await.unwrap()).await)
}

#[tokio::test]
async fn all_of_it_is_of_one_revision_though_keys_change_meanwhile() {
    let gateway = Running::local();
    let (caller, writer) = (Caller::to(&gateway).await, Caller::to(&gateway).await);
    for key in 0..8 {
        caller.put(&[key], &[0; 500_000]).await.unwrap();
    }
    let writing = tokio::spawn(async move {
        for round in 0.. {
            writer.put(&[round % 9], &[round; 300_000]).await.unwrap();
        }
    });
    let mut revisions = Vec::new();
    for _ in 0..4 {
        let buckets = snapshot(&caller).await;
        let (_, mark) = buckets["meta"].iter().find(|(name, _)| name == b"finishedCompactRev").unwrap();
        let revision = i64::from_be_bytes(*mark.first_chunk().unwrap());
        let mut records: Vec<_> =
            buckets["key"].iter().map(|(_, value)| KeyValue::decode(value.as_slice()).unwrap()).collect();
        records.sort_by(|one, other| one.key.cmp(&other.key));
        let range = RangeRequest { key: vec![0], range_end: vec![0], revision, ..Default::default() };
        let range: RangeResponse = caller.call("/etcdserverpb.KV/Range", range).await.unwrap();
        assert!(records == range.kvs, "what is in the file was there at revision {revision}");
        revisions.push(revision);
    }
    assert!(!writing.is_finished() && revisions.windows(2).all(|pair| pair[0] < pair[1]), "{revisions:?}");
    writing.abort();
}

#[tokio::test]
async fn keys_of_a_lease_that_ends_meanwhile_end_where_they_are_restored() {
    let scripted = Scripted::new(100);
    let gateway = Running::start(scripted.clone());
    let caller = Caller::to(&gateway).await;
    for id in [7, 8] {
        let grant = LeaseGrantRequest { ttl: 60, id };
        let _: LeaseGrantResponse = caller.call("/etcdserverpb.Lease/LeaseGrant", grant).await.unwrap();
    }
    let put = PutRequest { key: b"k".to_vec(), lease: 7, ..Default::default() };
    let _: PutResponse = caller.call("/etcdserverpb.KV/Put", put).await.unwrap();
    // Field 1 is the id, field 2 the time to live.
    let lease = |id: u8, ttl: u8| (vec![0, 0, 0, 0, 0, 0, 0, id], vec![0x08, id, 0x10, ttl]);
    assert_eq!(snapshot(&caller).await["lease"], [lease(7, 60), lease(8, 60)]);
    scripted.gone.store(true, Ordering::SeqCst);
    assert_eq!(snapshot(&caller).await["lease"], [lease(7, 2)]);
}

#[tokio::test]
async fn leases_cost_a_query_for_each_page_of_them() {
    let scripted = Scripted::new(1_000);
    let gateway = Running::start(scripted.clone());
    let caller = Caller::to(&gateway).await;
    for id in 1..=100 {
        let grant = LeaseGrantRequest { ttl: 60 + id, id };
        let _: LeaseGrantResponse = caller.call("/etcdserverpb.Lease/LeaseGrant", grant).await.unwrap();
    }
    let before = scripted.queries.load(Ordering::SeqCst);
    let leases = &snapshot(&caller).await["lease"];
    let asked = scripted.queries.load(Ordering::SeqCst) - before;
    assert_eq!(asked, 2, "one page of keys, one of leases");
    // Field 1 is the id, field 2 the time to live: more than 127 take two bytes.
    let lease = |id: u8| {
        let ttl = 60 + id;
        let ttl = if ttl < 128 { vec![ttl] } else { vec![ttl, 1] };
        (vec![0, 0, 0, 0, 0, 0, 0, id], [vec![0x08, id, 0x10], ttl].concat())
    };
    assert_eq!(*leases, (1..=100).map(lease).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_revision_that_is_compacted_before_all_is_read_is_not_told_as_whole() {
    let scripted = Scripted::new(100);
    let gateway = Running::start(scripted.clone());
    let caller = Caller::to(&gateway).await;
    for key in 0..4 {
        caller.put(&[key], &[0; 500_000]).await.unwrap();
    }
    scripted.compacted.store(true, Ordering::SeqCst);
    let refused = ask(&caller).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted, "{refused:?}");
    scripted.compacted.store(false, Ordering::SeqCst);
    assert_eq!(snapshot(&caller).await["key"].len(), 4);
}

async fn ask(caller: &Caller) -> Result<Streaming<SnapshotResponse>, Status> {
    caller.follow(SNAPSHOT, SnapshotRequest {}).await
}

#[tokio::test]
async fn there_is_one_at_a_time_and_it_ends_with_its_caller() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    for key in 0..8 {
        caller.put(&[key], &[0; 500_000]).await.unwrap();
    }
    let mut first = ask(&caller).await.unwrap();
    assert!(first.message().await.unwrap().unwrap().remaining_bytes > 4_000_000);
    let refused = ask(&caller).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains("under way"), "{refused:?}");
    drop(first);
    let mut again = ask(&caller).await;
    for _ in 0..100 {
        if again.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        again = ask(&caller).await;
    }
    let (mut again, mut last) = (again.unwrap(), None);
    while let Some(message) = again.message().await.unwrap() {
        last = Some(message);
    }
    assert_eq!(last.map(|hash| (hash.remaining_bytes, hash.blob.len())), Some((0, 32)));
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_gives_no_snapshot_and_keeps_no_place() {
    let scripted = Scripted::new(100);
    let gateway = Running::start(scripted.clone());
    let caller = Caller::to(&gateway).await;
    caller.put(b"k", b"v").await.unwrap();
    for (switch, text) in
        [(&scripted.down, "etcdserver: unhealthy cluster"), (&scripted.disagree, "etcdserver: request timed out")]
    {
        switch.store(true, Ordering::SeqCst);
        let refused = ask(&caller).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::Unavailable, text));
        switch.store(false, Ordering::SeqCst);
    }
    assert!(ask(&caller).await.is_ok());
}
