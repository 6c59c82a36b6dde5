//! A chain in a temporary folder, and a client for it.

pub(crate) mod cluster;
pub(crate) mod damage;
pub(crate) mod misleading;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tetrarch_crypto::{Digest, Ed25519, PublicKey, Signer, SigningKey};
use tetrarch_kv::{Command, CommandResult, Execution, KvMachine, KvQuery, QueryResult, Selection};
use tetrarch_server::{Identity, Node, NodeConfig, init};
use tetrarch_storage::{FaultyStore, MemoryMark};
use tetrarch_transport::{Connector, ConnectorConfig};
use tetrarch_types::{
    Genesis, Member, NodeStatus, Outcome, Parameters, Query, Refusal, ReplicaId, Reply, Request, Response, Timestamp,
    Transaction, TransactionBody, Verifier,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing_subscriber::EnvFilter;

/// Long, because several clusters share the machine; it is only ever used up by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A genesis with keys and files for `n` replicas, in a folder of its own.
pub(crate) struct Chain {
    pub(crate) folder: TempDir,
    pub(crate) genesis: Genesis,
    pub(crate) keys: Vec<SigningKey>,
}

impl Chain {
    pub(crate) fn new(n: u8) -> Self {
        Self::with(n, Parameters::default())
    }

    pub(crate) fn with(n: u8, parameters: Parameters) -> Self {
        // RUST_LOG=tetrarch_server=debug and `--nocapture` show what the nodes do. Only the first call of a process counts.
        let filter = EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
        let keys: Vec<SigningKey> = (0..n).map(|id| SigningKey::from_seed([id + 1; 32])).collect();
        let addresses = free_addresses(2 * usize::from(n));
        let member = |(key, pair): (&SigningKey, &[SocketAddr])| Member {
            public_key: key.public_key(),
            peer_address: pair[0],
            client_address: pair[1],
        };
        let replicas = keys.iter().zip(addresses.chunks(2)).map(member).collect();
        let salt = Digest::from_bytes([7; 32]);
        let genesis = Genesis { chain: "test".to_owned(), salt, parameters, replicas };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("genesis.json"), genesis.to_json()).unwrap();
        for (id, key) in keys.iter().enumerate() {
            fs::create_dir(folder.path().join(format!("r{id}"))).unwrap();
            key.save(&folder.path().join(format!("r{id}/node.key")), None).unwrap();
            fs::write(folder.path().join(format!("r{id}/node.toml")), "genesis = \"../genesis.json\"\n").unwrap();
        }
        Self { folder, genesis, keys }
    }

    pub(crate) fn config_file(&self, id: usize) -> PathBuf {
        self.folder.path().join(format!("r{id}/node.toml"))
    }

    pub(crate) fn config(&self, id: usize) -> NodeConfig {
        NodeConfig::load(&self.config_file(id)).unwrap()
    }

    pub(crate) fn init(&self) -> &Self {
        (0..self.keys.len()).for_each(|id| init(&self.config(id)).unwrap());
        self
    }

    pub(crate) async fn start(&self, id: usize) -> Node {
        Node::start(self.config(id)).await.unwrap()
    }

    /// On a disk that nothing was written to yet.
    pub(crate) async fn start_on(&self, id: usize, store: &Arc<FaultyStore>, mark: &MemoryMark) -> Node {
        Execution::<KvMachine, _>::init(store, &self.genesis.membership()).unwrap();
        self.restart_on(id, store, mark).await
    }

    /// On the disk of a node that has stopped.
    pub(crate) async fn restart_on(&self, id: usize, store: &Arc<FaultyStore>, mark: &MemoryMark) -> Node {
        let config = self.config(id);
        let identity = Identity::load(&config).unwrap();
        Node::start_on(&config, identity, KvMachine, Arc::clone(store), Box::new(mark.clone())).await.unwrap()
    }

    pub(crate) async fn start_all(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for id in 0..self.keys.len() {
            nodes.push(self.start(id).await);
        }
        nodes
    }

    pub(crate) fn client(&self) -> Client {
        let replicas = self.genesis.replicas.iter().map(|it| (it.public_key, it.client_address)).collect();
        let membership = Arc::new(self.genesis.membership());
        Client {
            connector: Arc::new(Connector::new(replicas, ConnectorConfig::default()).unwrap()),
            verifier: Verifier::new(membership, Arc::new(Ed25519)),
            key: SigningKey::from_seed([99; 32]),
            nonce: 0,
        }
    }
}

/// Addresses that stay free while nobody listens there: below those that the system gives to whoever asks for any, such as a client of a
/// test beside this one. Another process begins elsewhere.
fn free_addresses(count: usize) -> Vec<SocketAddr> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    const PORTS: std::ops::Range<u32> = 10_000..32_000;
    let begin = std::process::id().wrapping_mul(257);
    let next = || begin.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed)) % PORTS.len() as u32 + PORTS.start;
    let addresses = std::iter::repeat_with(|| SocketAddr::from(([127, 0, 0, 1], next() as u16)));
    addresses.take(PORTS.len()).filter(|address| UdpSocket::bind(address).is_ok()).take(count).collect()
}

pub(crate) fn wall() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(u64::try_from(now.as_micros()).unwrap())
}

/// Signs, sends to all, and believes what a quorum says.
pub(crate) struct Client {
    connector: Arc<Connector>,
    verifier: Verifier,
    pub(crate) key: SigningKey,
    pub(crate) nonce: u64,
}

impl Client {
    pub(crate) fn sign(&self, nonce: u64, command: Vec<u8>) -> Transaction {
        self.sign_until(nonce, command, wall().plus(Duration::from_secs(600)))
    }

    pub(crate) fn sign_until(&self, nonce: u64, command: Vec<u8>, valid_until: Timestamp) -> Transaction {
        let scope = self.verifier.membership().scope();
        let body = TransactionBody { chain: scope.genesis, sender: self.key.public_key(), nonce, valid_until, command };
        body.sign(scope, &self.key)
    }

    pub(crate) async fn ask(&self, replica: usize, request: &Request) -> Response {
        timeout(PATIENCE, self.try_ask(replica, request)).await.expect("in time").expect("an answer")
    }

    /// One replica's answer, if it is there.
    pub(crate) async fn try_ask(&self, replica: usize, request: &Request) -> Option<Response> {
        let replica = ReplicaId::new(u16::try_from(replica).unwrap());
        self.connector.request(replica, Connector::encode(request)).await.ok()
    }

    /// One replica's status, if it is there.
    pub(crate) async fn try_status(&self, replica: usize) -> Option<NodeStatus> {
        let asked = self.try_ask(replica, &Request::Query(Query::Status));
        match timeout(Duration::from_secs(2), asked).await.ok()?? {
            Response::Status(status) => Some(status),
            _ => None,
        }
    }

    /// One replica's refusal of a transaction.
    pub(crate) async fn refusal(&self, replica: usize, transaction: Transaction) -> Refusal {
        match self.ask(replica, &Request::Submit(transaction)).await {
            Response::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(crate) async fn read(&self, replica: usize, key: &str) -> Selection {
        let query = KvQuery::get(key).encode();
        match self.ask(replica, &Request::Query(Query::Read(query))).await {
            Response::Answer(answer) => QueryResult::decode(&answer.bytes).unwrap().selection().unwrap(),
            other => panic!("no answer: {other:?}"),
        }
    }

    pub(crate) async fn status(&self, replica: usize) -> NodeStatus {
        match self.ask(replica, &Request::Query(Query::Status)).await {
            Response::Status(status) => status,
            other => panic!("no status: {other:?}"),
        }
    }

    pub(crate) async fn put(&mut self, key: &str, value: &str) -> Reply {
        self.execute(&Command::put(key, value)).await
    }

    /// Has a command executed, each of its operations with success.
    pub(crate) async fn execute(&mut self, command: &Command) -> Reply {
        self.nonce += 1;
        let reply = self.submit(&self.sign(self.nonce, command.encode())).await;
        let Outcome::Executed(result) = &reply.outcome else { panic!("not executed: {reply:?}") };
        let result = CommandResult::decode(result).unwrap();
        assert!(result.results.is_ok_and(|results| results.iter().all(Result::is_ok)));
        reply
    }

    /// Sends to all, again every second, until q replicas gave the same verified reply.
    pub(crate) async fn submit(&self, transaction: &Transaction) -> Reply {
        let deadline = Instant::now() + PATIENCE;
        let mut replies: Vec<Reply> = Vec::new();
        while Instant::now() < deadline {
            if let Ok(Some(reply)) = timeout(Duration::from_secs(1), self.round(transaction, &mut replies)).await {
                return reply;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("no quorum of replies for {}: {replies:?}", transaction.id());
    }

    async fn round(&self, transaction: &Transaction, replies: &mut Vec<Reply>) -> Option<Reply> {
        let encoded = Connector::encode(&Request::Submit(transaction.clone()));
        let mut asked = JoinSet::new();
        for replica in self.verifier.membership().ids() {
            let (connector, encoded) = (Arc::clone(&self.connector), encoded.clone());
            asked.spawn(async move { connector.request(replica, encoded).await });
        }
        while let Some(answer) = asked.join_next().await {
            let Ok(Ok(Response::Reply(reply))) = answer else { continue };
            assert_eq!(reply.transaction, transaction.id());
            let reply = self.verifier.reply(reply).expect("an honest reply").into_inner();
            replies.retain(|it| it.results.signer() != reply.results.signer());
            replies.push(reply.clone());
            if replies.iter().any(|one| self.is_believed(one, replies)) {
                return Some(reply);
            }
        }
        None
    }

    /// Rule X-3: what q state of the decided, or of what is prepared in one view.
    fn is_believed(&self, one: &Reply, replies: &[Reply]) -> bool {
        let stated = |it: &Reply| (it.results.seq(), it.results.root(), it.outcome.clone());
        let backs = |it: &&Reply| {
            let view = it.results.tentative_in();
            stated(it) == stated(one) && (view.is_none() || view == one.results.tentative_in())
        };
        replies.iter().filter(backs).count() >= self.verifier.membership().quorum()
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until something holds that has to be asked for.
pub(crate) async fn eventually_so(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
