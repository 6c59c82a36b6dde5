//! A disk that fails: the node votes no more, says so, and goes on answering reads.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Chain, Client, PATIENCE, eventually};
use tetrarch_kv::{Command, KvQuery};
use tetrarch_server::Node;
use tetrarch_storage::{FailureKind, FaultyStore, MemoryMark, Table};
use tetrarch_types::{NodeMode, Query, Refusal, Request, Response};
use tokio::task::JoinSet;
use tokio::time::timeout;

fn halted(node: &Node) -> Option<String> {
    match node.status().mode {
        NodeMode::Halted(reason) => Some(reason),
        _ => None,
    }
}

/// A replica alone whose disk has failed.
struct Broken {
    node: Node,
    client: Client,
    store: Arc<FaultyStore>,
    _chain: Chain,
}

impl Broken {
    /// The write of the journal fails, or so many writes behind it.
    async fn on_write(kind: FailureKind, nth: u64) -> Self {
        let chain = Chain::new(1);
        let store = Arc::new(FaultyStore::new());
        let node = chain.start_on(0, &store, &MemoryMark::at_origin()).await;
        let mut client = chain.client();
        client.put("k", "v").await;

        store.fail_write_at(nth, kind);
        // Votes on so much are not left to the mark: the log is synced for them.
        let lost = client.sign(2, Command::put("k", "w".repeat(16 * 1024)).encode());
        let refusal = client.refusal(0, lost).await;
        assert!(matches!(&refusal, Refusal::NotServing(_)), "whoever waits is told: {refusal}");
        eventually("the node halts", || halted(&node).is_some()).await;
        Self { node, client, store, _chain: chain }
    }

    /// Whether the node asks for a new start.
    async fn is_damaged(&self) -> bool {
        timeout(Duration::from_millis(200), self.node.damaged()).await.is_ok()
    }
}

async fn fails_on_write(kind: FailureKind, nth: u64) {
    let broken = Broken::on_write(kind, nth).await;
    stays_silent(&broken.node, &broken.client, &broken.store).await;
    assert!(!broken.is_damaged().await, "a new start mends nothing");
    broken.node.shutdown().await;
}

/// Nothing is sent, nothing is tried again, and reads go on.
async fn stays_silent(node: &Node, client: &Client, store: &FaultyStore) {
    let (sent, failures) = (node.counters()["messages_sent"], store.counters());
    let next = client.sign(3, Command::put("k", "x").encode());
    assert!(matches!(client.refusal(0, next).await, Refusal::NotServing(_)));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(node.counters()["messages_sent"], sent);
    assert_eq!(store.counters().refused, failures.refused);
    assert_eq!(client.read(0, "k").await.records[0].1.value, b"v");
    assert!(matches!(client.status(0).await.mode, NodeMode::Halted(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_fails() {
    fails_on_write(FailureKind::Io, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full() {
    fails_on_write(FailureKind::Full, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_fsync_fails() {
    fails_on_write(FailureKind::FsyncLost, 0).await;
}

/// A database that met a damaged file in merging it says so when it is written.
#[tokio::test(flavor = "multi_thread")]
async fn damage_that_a_write_of_the_journal_meets_is_repaired() {
    let broken = Broken::on_write(FailureKind::Corrupt, 0).await;
    timeout(PATIENCE, broken.node.damaged()).await.unwrap();
    broken.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_behind_another_reason_is_repaired() {
    let broken = Broken::on_write(FailureKind::Io, 0).await;
    let reason = halted(&broken.node);
    assert!(!broken.is_damaged().await);
    assert!(broken.store.rot(Table::new("kv.records"), b"k"));
    let question = Request::Query(Query::Read(KvQuery::get("k").encode()));
    let response = broken.client.ask(0, &question).await;
    assert!(matches!(response, Response::Refused(Refusal::NotServing(_))), "{response:?}");
    timeout(PATIENCE, broken.node.damaged()).await.unwrap();
    assert_eq!(halted(&broken.node), reason, "the first reason stands");
    broken.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_go_on_without_it() {
    let chain = Chain::new(4);
    let store = Arc::new(FaultyStore::new());
    let broken = chain.start_on(3, &store, &MemoryMark::at_origin()).await;
    let mut nodes = Vec::new();
    for id in 0..3 {
        tetrarch_server::init(&chain.config(id)).unwrap();
        nodes.push(chain.start(id).await);
    }
    let mut client = chain.client();
    client.put("a", "1").await;
    store.fail_write_at(0, FailureKind::Io);
    client.put("b", "2").await;
    client.put("c", "3").await;
    eventually("the node halts", || halted(&broken).is_some()).await;
    client.put("d", "4").await;

    let response = client.ask(3, &Request::Submit(client.sign(9, Command::put("e", "5").encode()))).await;
    assert!(matches!(response, Response::Refused(Refusal::NotServing(_))), "{response:?}");
    nodes.push(broken);
    nodes.into_iter().map(Node::shutdown).collect::<JoinSet<()>>().join_all().await;
}
