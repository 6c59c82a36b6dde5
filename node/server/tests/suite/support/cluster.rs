//! Four replicas that come and go, and what they should hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tetrarch_crypto::{Digest, SigningKey};
use tetrarch_kv::{Command, KvMachine, QueryResult};
use tetrarch_server::{Identity, Node, NodeConfig, NodeError, tables};
use tetrarch_storage::{MarkFile, RocksStore, Store};
use tetrarch_types::{NodeStatus, Parameters, Query, Request, Response, SeqNum};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::misleading::{Answering, MisleadingStore};
use super::{Chain, Client, PATIENCE, eventually, eventually_so};

/// Batches between two checkpoints.
pub(crate) const INTERVAL: u64 = 4;
/// Batches of a window.
pub(crate) const WINDOW: u64 = 8;

/// A chain of four with short windows and short ledgers.
pub(crate) struct Cluster {
    pub(crate) chain: Chain,
    pub(crate) client: Client,
    pub(crate) nodes: Vec<Option<Node>>,
    ledger_batches: u64,
    /// Keys `k0`, `k1`, ... that were written, and behind which batch each is there.
    written: Vec<SeqNum>,
}

impl Cluster {
    /// Nobody runs yet.
    pub(crate) fn prepared(ledger_batches: u64) -> Self {
        let chain = Chain::with(4, Parameters { checkpoint_interval: INTERVAL, window: WINDOW });
        chain.init();
        let client = chain.client();
        Self { chain, client, nodes: (0..4).map(|_| None).collect(), ledger_batches, written: Vec::new() }
    }

    pub(crate) async fn started() -> Self {
        let mut cluster = Self::prepared(8);
        for id in 0..4 {
            cluster.start(id).await;
        }
        cluster
    }

    pub(crate) fn config(&self, id: usize) -> NodeConfig {
        NodeConfig { ledger_batches: self.ledger_batches, ..self.chain.config(id) }
    }

    pub(crate) fn node(&self, id: usize) -> &Node {
        self.nodes[id].as_ref().unwrap()
    }

    pub(crate) fn status(&self, id: usize) -> NodeStatus {
        self.node(id).status()
    }

    pub(crate) async fn start(&mut self, id: usize) {
        self.start_with(id, self.config(id)).await;
    }

    /// Waits until one that was dropped has let go of its directory and ports.
    pub(crate) async fn start_with(&mut self, id: usize, config: NodeConfig) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Node::start(config.clone()).await {
                Ok(node) => break self.nodes[id] = Some(node),
                Err(error @ (NodeError::Locked { .. } | NodeError::Listen { .. })) => {
                    assert!(Instant::now() < deadline, "{error}");
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("replica {id} does not start: {error}"),
            }
        }
    }

    /// A replica on its own directory that answers state fetches as it is told.
    pub(crate) async fn start_misleading(&mut self, id: usize, answering: Answering) -> Arc<MisleadingStore> {
        let config = self.config(id);
        let store = Arc::new(RocksStore::open(&config.data_dir.join("db"), &tables(&KvMachine)).unwrap());
        let store = Arc::new(MisleadingStore::new(store, answering));
        self.start_on(id, Arc::clone(&store)).await;
        store
    }

    /// A replica on any store, with the mark of its directory.
    pub(crate) async fn start_on<S: Store + Clone + 'static>(&mut self, id: usize, store: S) {
        let config = self.config(id);
        let mark = Box::new(MarkFile::open(&config.data_dir.join("journal.mark")).unwrap());
        let identity = Identity::load(&config).unwrap();
        self.nodes[id] = Some(Node::start_on(&config, identity, KvMachine, store, mark).await.unwrap());
    }

    pub(crate) async fn stop(&mut self, id: usize) {
        self.nodes[id].take().unwrap().shutdown().await;
    }

    /// Ends a node in the middle of whatever it does.
    pub(crate) fn kill(&mut self, id: usize) {
        self.nodes[id] = None;
    }

    pub(crate) async fn stop_all(&mut self) {
        let running = self.nodes.iter_mut().filter_map(Option::take);
        running.map(Node::shutdown).collect::<JoinSet<()>>().join_all().await;
    }

    /// Writes so many keys, each in a batch of its own.
    pub(crate) async fn write(&mut self, keys: usize) {
        for _ in 0..keys {
            self.write_together(1, 16).await;
        }
    }

    /// The batch that the last key was written in.
    pub(crate) fn last_written(&self) -> SeqNum {
        *self.written.last().expect("something was written")
    }

    /// Writes so many keys of that size in one batch.
    pub(crate) async fn write_together(&mut self, keys: usize, bytes: usize) {
        let first = self.written.len();
        let put = |at| tetrarch_kv::Request::put(key(at), value(at, bytes));
        let reply = self.client.execute(&Command::new((first..first + keys).map(put))).await;
        self.written.extend((0..keys).map(|_| reply.results.seq()));
    }

    /// A replica has everything that the others had when this was called, and says that it is level.
    pub(crate) async fn becomes_level(&self, id: usize) {
        let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != id);
        let due = others.filter_map(|(_, node)| Some(node.as_ref()?.status().executed)).max().unwrap();
        eventually(&format!("replica {id} is level"), || {
            let status = self.status(id);
            status.recovery.level_micros.is_some() && status.transfer.is_none() && status.executed >= due
        })
        .await;
    }

    /// All that run come to the next checkpoint, with one root and the same answers, and nobody has contradicted itself.
    pub(crate) async fn agrees(&mut self) -> Digest {
        self.write(usize::try_from(INTERVAL).unwrap()).await;
        let running = || self.nodes.iter().flatten().map(Node::status);
        let place = |status: &NodeStatus| (status.executed, status.state_root);
        eventually("all are at one place", || {
            let first = running().next().map(|status| place(&status));
            running().all(|status| Some(place(&status)) == first)
        })
        .await;
        self.answers_agree().await;
        assert!(self.nodes.iter().flatten().all(|node| node.evidence().unwrap().is_empty()), "conflicting votes");
        running().next().unwrap().state_root
    }

    async fn answers_agree(&self) {
        for at in self.samples() {
            for id in (0..4).filter(|id| self.nodes[*id].is_some()) {
                let reads = || async { self.reads(id, at).await == Some(true) };
                eventually_so(&format!("key {at} at replica {id}"), reads).await;
            }
        }
    }

    /// Some keys of all that were written.
    fn samples(&self) -> impl Iterator<Item = usize> + use<> {
        let count = self.written.len();
        (0..count).step_by(1 + count / 32).chain(count.checked_sub(1))
    }

    /// Whether a replica has a key; none if it refuses to say. What it says must be so behind the batch that it names.
    pub(crate) async fn reads(&self, id: usize, at: usize) -> Option<bool> {
        let query = Query::Read(tetrarch_kv::KvQuery::get(key(at)).encode());
        let asked = timeout(PATIENCE, self.client.try_ask(id, &Request::Query(query))).await.unwrap();
        let Some(Response::Answer(answer)) = asked else { return None };
        let records = QueryResult::decode(&answer.bytes).unwrap().selection().unwrap().records;
        let Some((_, record)) = records.first() else {
            assert!(answer.executed < self.written[at], "replica {id} lacks key {at} behind batch {}", answer.executed);
            return Some(false);
        };
        assert!(record.value == value(at, record.value.len()), "replica {id} has another value for key {at}");
        Some(true)
    }

    /// Reads from a replica until it is level: it refuses, or says what is so.
    pub(crate) async fn never_lies_until_level(&self, id: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.status(id).recovery.level_micros.is_none() {
            assert!(Instant::now() < deadline, "not level in time: {:?}", self.status(id));
            for at in self.samples() {
                self.reads(id, at).await;
            }
        }
    }

    /// A client of its own that goes on writing; every write must succeed.
    pub(crate) fn writer(&self, pause: Duration) -> Writer {
        let mut client = self.chain.client();
        client.key = SigningKey::from_seed([98; 32]);
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let writes = tokio::spawn(async move {
            while !told.load(Ordering::Relaxed) {
                client.put(&format!("w{}", client.nonce % 50), "v").await;
                sleep(pause).await;
            }
            client.nonce
        });
        Writer { stop, writes }
    }
}

/// Writes in the background.
pub(crate) struct Writer {
    stop: Arc<AtomicBool>,
    writes: JoinHandle<u64>,
}

impl Writer {
    /// How many writes there were.
    pub(crate) async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.writes.await.unwrap()
    }
}

pub(crate) fn key(at: usize) -> String {
    format!("k{at}")
}

/// Bytes that follow from the key and do not compress.
pub(crate) fn value(at: usize, length: usize) -> Vec<u8> {
    let mut state = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| byte()).collect()
}
