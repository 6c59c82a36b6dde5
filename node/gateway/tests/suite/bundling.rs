//! Concurrent calls each get their own result, whatever the cluster does. What travels together, the orderer's own tests show.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::Running;
use crate::support::calls::Caller;
use crate::support::scripted::Scripted;
use tetrarch_gateway::messages::kv::{RangeRequest, RangeResponse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{Code, Status};

const RANGE: &str = "/etcdserverpb.KV/Range";
/// More than enough for any test here.
const PLENTY: usize = 10_000;

fn one(key: &[u8]) -> RangeRequest {
    RangeRequest { key: key.to_vec(), ..Default::default() }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}

#[tokio::test]
async fn calls_that_come_at_once_have_results_of_their_own() {
    let cluster = Scripted::new(0);
    let gateway = Running::start(cluster.clone());
    let caller = Caller::to(&gateway).await;
    let calls: Vec<_> = (0..200_u8)
        .map(|key| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.put(&[key, 1], &[key]).await.unwrap().revision })
        })
        .collect();
    // So many do not fit into one.
    until("commands wait", || cluster.commands.load(Ordering::SeqCst) >= 2).await;
    cluster.passes.add_permits(PLENTY);
    let mut revisions = BTreeSet::new();
    for call in calls {
        revisions.insert(call.await.unwrap());
    }
    assert_eq!(revisions, (2..=201).collect(), "each has a revision of its own");
    assert_eq!(cluster.requests.load(Ordering::SeqCst), 200);
    for key in 0..200 {
        let read: RangeResponse = caller.call(RANGE, one(&[key, 1])).await.unwrap();
        assert_eq!(read.kvs[0].value, [key]);
    }
}

#[tokio::test]
async fn where_replicas_disagree_reads_are_ordered() {
    let cluster = Scripted::new(PLENTY);
    let gateway = Running::start(cluster.clone());
    let caller = Caller::to(&gateway).await;
    caller.put(b"k", b"v").await.unwrap();
    let agreed: RangeResponse = caller.call(RANGE, one(b"k")).await.unwrap();
    assert_eq!(cluster.commands.load(Ordering::SeqCst), 1);
    cluster.disagree.store(true, Ordering::SeqCst);
    let ordered: RangeResponse = caller.call(RANGE, one(b"k")).await.unwrap();
    assert_eq!((ordered, cluster.commands.load(Ordering::SeqCst)), (agreed, 2));
}

#[tokio::test]
async fn one_replica_is_asked_only_where_the_caller_says_so() {
    let cluster = Scripted::new(PLENTY);
    let gateway = Running::start(cluster.clone());
    let caller = Caller::to(&gateway).await;
    caller.put(b"k", b"v").await.unwrap();
    for (serializable, asked) in [(false, 0), (true, 1), (false, 1)] {
        let read: RangeResponse = caller.call(RANGE, RangeRequest { serializable, ..one(b"k") }).await.unwrap();
        assert_eq!((read.count, cluster.serializable.load(Ordering::SeqCst)), (1, asked));
    }
}

#[tokio::test]
async fn large_reads_that_come_at_once_are_all_answered() {
    let cluster = Scripted::new(2);
    let gateway = Running::start(cluster.clone());
    let caller = Caller::to(&gateway).await;
    for key in [b"a", b"b"] {
        caller.put(key, &vec![key[0]; 1_000_000]).await.unwrap();
    }
    cluster.disagree.store(true, Ordering::SeqCst);
    // Eight commands fill the way; what comes behind them gathers.
    let read = |key: &'static [u8]| {
        let caller = caller.clone();
        tokio::spawn(async move { caller.call::<_, RangeResponse>(RANGE, one(key)).await })
    };
    let mut before = Vec::new();
    for number in 0..8 {
        before.push(read(b"none"));
        until("a command waits", || cluster.commands.load(Ordering::SeqCst) == 3 + number).await;
    }
    let large = [read(b"a"), read(b"b"), read(b"a"), read(b"b")];
    tokio::time::sleep(Duration::from_millis(200)).await;
    cluster.passes.add_permits(PLENTY);
    for (call, key) in large.into_iter().zip([b'a', b'b', b'a', b'b']) {
        let response = call.await.unwrap().unwrap();
        assert_eq!(response.kvs[0].value, vec![key; 1_000_000]);
    }
    for call in before {
        assert_eq!(call.await.unwrap().unwrap().count, 0);
    }
}

/// A page over HTTP/1.1: its status line and its content.
async fn page(gateway: &Running, path: &str) -> (String, String) {
    let mut stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, content) = response.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), content.to_owned())
}

#[tokio::test]
async fn health_and_version_are_pages_as_with_etcd() {
    let cluster = Scripted::new(PLENTY);
    let gateway = Running::start(cluster.clone());
    let (status, content) = page(&gateway, "/version").await;
    assert_eq!(
        (status.as_str(), content.as_str()),
        ("HTTP/1.1 200 OK", r#"{"etcdserver":"3.5.0","etcdcluster":"3.5.0"}"#)
    );
    let (status, content) = page(&gateway, "/health").await;
    assert_eq!((status.as_str(), content.as_str()), ("HTTP/1.1 200 OK", r#"{"health":"true","reason":""}"#));
    cluster.down.store(true, Ordering::SeqCst);
    let (status, content) = page(&gateway, "/health").await;
    assert!(status.contains("503") && content.contains(r#""health":"false""#), "{status}: {content}");
    assert!(page(&gateway, "/elsewhere").await.0.contains("404"));
}

#[tokio::test]
async fn a_cluster_that_is_down_is_told_in_etcds_words_and_comes_back() {
    let cluster = Scripted::new(PLENTY);
    let gateway = Running::start(cluster.clone());
    let caller = Caller::to(&gateway).await;
    cluster.down.store(true, Ordering::SeqCst);
    let unhealthy = |status: Status| (status.code(), status.message().to_owned());
    let expected = (Code::Unavailable, "etcdserver: unhealthy cluster".to_owned());
    assert_eq!(unhealthy(caller.put(b"k", b"v").await.unwrap_err()), expected);
    assert_eq!(unhealthy(caller.call::<_, RangeResponse>(RANGE, one(b"k")).await.unwrap_err()), expected);
    cluster.down.store(false, Ordering::SeqCst);
    assert_eq!(caller.put(b"k", b"v").await.unwrap().revision, 2);
}
