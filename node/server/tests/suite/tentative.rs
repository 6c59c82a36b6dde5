//! Answers before the decision (rules ), on real nodes between which no COMMIT passes until it may.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Chain, Client, eventually};
use tetrarch_kv::{Command, KvQuery, QueryResult};
use tetrarch_server::{Mouth, Node, Seam};
use tetrarch_types::{Message, Query, Refusal, ReplicaId, Request, Response, Transaction};
use tokio::task::JoinSet;

/// Keeps a node's COMMITs back, those that it repeats too, while they are not to pass.
struct Commits {
    mouth: Mutex<Option<Mouth>>,
    pass: Arc<AtomicBool>,
}

impl Seam for Commits {
    fn begin(&self, mouth: Mouth) {
        *self.mouth.lock().unwrap() = Some(mouth);
    }

    fn say(&self, to: ReplicaId, message: &Arc<Message>) {
        if !matches!(**message, Message::Commit(_)) || self.pass.load(Ordering::Relaxed) {
            self.mouth.lock().unwrap().as_ref().unwrap().say(to, message);
        }
    }

    fn answer(&self, response: Response) -> Option<Response> {
        Some(response)
    }

    fn hear(&self, _: &Message) -> bool {
        true
    }

    fn admit(&self, _: &Transaction) -> bool {
        true
    }
}

/// Four replicas that agree on what is prepared, and decide nothing until they may.
struct Scene {
    chain: Chain,
    pass: Arc<AtomicBool>,
    nodes: Vec<Node>,
}

impl Scene {
    async fn set() -> Self {
        let mut scene = Self { chain: Chain::new(4), pass: Arc::new(AtomicBool::new(true)), nodes: Vec::new() };
        scene.chain.init();
        for id in 0..4 {
            let node = scene.start(id).await;
            scene.nodes.push(node);
        }
        scene
    }

    async fn start(&self, id: usize) -> Node {
        let seam = Commits { mouth: Mutex::default(), pass: Arc::clone(&self.pass) };
        Node::start_behind(self.chain.config(id), Arc::new(seam)).await.unwrap()
    }

    fn let_pass(&self, pass: bool) {
        self.pass.store(pass, Ordering::Relaxed);
    }

    async fn end(self) {
        self.nodes.into_iter().map(Node::shutdown).collect::<JoinSet<()>>().join_all().await;
    }
}

/// What one replica says of a key to somebody whom an earlier state would do for.
async fn asked_stale(client: &Client, replica: usize, key: &str) -> Response {
    client.ask(replica, &Request::Query(Query::ReadStale(KvQuery::get(key).encode()))).await
}

/// What one replica says of a key.
async fn asked(client: &Client, replica: usize, key: &str) -> Response {
    client.ask(replica, &Request::Query(Query::Read(KvQuery::get(key).encode()))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_before_it_is_decided_and_nobody_reads_less() {
    let scene = Scene::set().await;
    let mut client = scene.chain.client();
    let first = client.put("key", "before").await.results.seq();
    eventually("all execute it", || scene.nodes.iter().all(|node| node.status().executed == first)).await;

    let told = |node: &Node| node.counters()["batches_told_early"];
    let before: Vec<u64> = scene.nodes.iter().map(told).collect();
    scene.let_pass(false);
    let reply = client.put("key", "after").await;
    assert!(reply.results.tentative_in().is_some(), "nothing is decided");
    assert_eq!(reply.results.seq(), first.next());
    assert!(scene.nodes.iter().all(|node| node.status().executed == first), "nothing is executed");
    // Some replica may not have prepared it when the others had answered.
    eventually("all told", || scene.nodes.iter().zip(&before).all(|(node, before)| told(node) > *before)).await;
    for replica in 0..4 {
        assert_eq!(asked(&client, replica, "key").await, Response::Refused(Refusal::Busy), "replica {replica}");
        let Response::Answer(stale) = asked_stale(&client, replica, "key").await else {
            panic!("an earlier state would do")
        };
        assert_eq!(stale.executed, first);
        assert_eq!(QueryResult::decode(&stale.bytes).unwrap().selection().unwrap().records[0].1.value, b"before");
    }

    scene.let_pass(true);
    let executed = || scene.nodes.iter().all(|node| node.status().executed >= first.next());
    eventually("what was told comes true", executed).await;
    for replica in 0..4 {
        assert_eq!(client.read(replica, "key").await.records[0].1.value, b"after");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_comes_back_remembers_that_it_may_have_told() {
    let mut scene = Scene::set().await;
    let mut client = scene.chain.client();
    scene.let_pass(false);
    client.put("key", "told").await;
    eventually("all told", || scene.nodes.iter().all(|node| node.counters()["batches_told_early"] >= 1)).await;

    scene.nodes.remove(2).shutdown().await;
    let again = scene.start(2).await;
    assert_eq!(again.status().executed.get(), 0);
    assert_eq!(asked(&client, 2, "key").await, Response::Refused(Refusal::Busy));
    scene.nodes.push(again);

    scene.let_pass(true);
    client.execute(&Command::put("other", "1")).await;
    eventually("all execute it", || scene.nodes.iter().all(|node| node.status().executed.get() >= 2)).await;
    assert_eq!(client.read(2, "key").await.records[0].1.value, b"told");
    scene.end().await;
}

/// Whoever asks again is answered with what is decided, and so is who looks the transaction up.
#[tokio::test(flavor = "multi_thread")]
async fn behind_the_decision_the_same_is_said_for_good() {
    let scene = Scene::set().await;
    let client = scene.chain.client();
    scene.let_pass(false);
    let transaction = client.sign(1, Command::put("key", "value").encode());
    let told = client.submit(&transaction).await;
    scene.let_pass(true);
    eventually("all execute it", || scene.nodes.iter().all(|node| node.status().executed.get() >= 1)).await;
    for replica in 0..4 {
        for request in [Request::Submit(transaction.clone()), Request::Query(Query::Reply(transaction.id()))] {
            let Response::Reply(reply) = client.ask(replica, &request).await else { panic!("it is executed") };
            assert_eq!(reply.results.tentative_in(), None);
            assert_eq!((reply.outcome, reply.results.root()), (told.outcome.clone(), told.results.root()));
        }
    }
    scene.end().await;
}
