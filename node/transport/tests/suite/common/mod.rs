//! What the tests share: keys, memberships, messages of every kind, and waiting.
#![allow(unreachable_pub, reason = "each test file uses its part")]
pub mod relay;
pub mod rogue;

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tetrarch_crypto::{Digest, PublicKey, Signature, Signer, SigningKey};
use tetrarch_transport::{
    ClientLimits, ClientListener, Connector, ConnectorConfig, Inbound, Incoming, ListenerConfig, PeerConfig,
    PeerEndpoint, Peers, Received, TransportError,
};
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, Epoch, Fetch, Membership, Message, NewView, Parameters,
    PrePrepare, Prepare, Proposal, Query, ReplicaId, Request, SeqNum, Signable, Signed, Status, Supply, Timestamp,
    Transaction, TransactionBody, View, ViewChange,
};
use tokio::{sync::mpsc, time::timeout};

pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn id(number: u16) -> ReplicaId {
    ReplicaId::new(number)
}

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number + 1; 32])
}

pub fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// One that stays free while nobody listens there: below those that the system gives to whoever asks for any, such as a client of a test
/// beside this one. Another process begins elsewhere.
pub fn free_port() -> SocketAddr {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    const PORTS: std::ops::Range<u32> = 10_000..20_000;
    let begin = std::process::id().wrapping_mul(257);
    let next = || begin.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed)) % PORTS.len() as u32 + PORTS.start;
    let mut addresses = std::iter::repeat_with(|| SocketAddr::from((Ipv4Addr::LOCALHOST, next() as u16)));
    addresses.find(|address| std::net::UdpSocket::bind(address).is_ok()).unwrap()
}

pub fn membership(keys: &[SigningKey]) -> Arc<Membership> {
    let keys: Vec<PublicKey> = keys.iter().map(Signer::public_key).collect();
    Arc::new(Membership::new(Digest::ZERO, Epoch::ZERO, Parameters::default(), keys))
}

pub fn members(count: u8) -> Arc<Membership> {
    membership(&(0..count).map(key).collect::<Vec<_>>())
}

pub struct Peer {
    pub peers: Peers,
    pub votes: mpsc::Receiver<Received>,
    pub bulk: mpsc::Receiver<Received>,
}

impl Peer {
    pub async fn vote(&mut self) -> Received {
        within(self.votes.recv()).await.expect("the transport is there")
    }

    pub async fn bulk(&mut self) -> Received {
        within(self.bulk.recv()).await.expect("the transport is there")
    }
}

pub fn config(number: u8, membership: &Arc<Membership>, peers: &[SocketAddr]) -> PeerConfig {
    let listen = peers[usize::from(number)];
    PeerConfig {
        id: id(number.into()),
        membership: membership.clone(),
        key: key(number),
        listen,
        peers: peers.to_vec(),
    }
}

/// Starts a peer; the port of a predecessor may take a moment to be free.
pub async fn start(config: PeerConfig, capacity: usize) -> Peer {
    let (votes_in, votes) = mpsc::channel(capacity);
    let (bulk_in, bulk) = mpsc::channel(capacity);
    let inbound = Inbound { votes: votes_in, bulk: bulk_in };
    for _ in 0..100 {
        match Peers::start(config.clone(), inbound.clone()).await {
            Ok(peers) => return Peer { peers, votes, bulk },
            Err(TransportError::AddressInUse { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the port is never free");
}

/// A cluster whose members are all connected.
pub async fn cluster(count: u8, capacity: usize) -> Vec<Peer> {
    let membership = members(count);
    let mut bound = Vec::new();
    for _ in 0..count {
        bound.push(PeerEndpoint::bind(any_port()).await.unwrap());
    }
    let addresses: Vec<SocketAddr> = bound.iter().map(PeerEndpoint::local_address).collect();
    let mut cluster = Vec::new();
    for (number, endpoint) in (0..count).zip(bound) {
        let (votes_in, votes) = mpsc::channel(capacity);
        let (bulk_in, bulk) = mpsc::channel(capacity);
        let inbound = Inbound { votes: votes_in, bulk: bulk_in };
        let peers = endpoint.start(config(number, &membership, &addresses), inbound).await.unwrap();
        cluster.push(Peer { peers, votes, bulk });
    }
    for peer in &cluster {
        all_connected(&peer.peers).await;
    }
    cluster
}

pub async fn all_connected(peers: &Peers) {
    until("everyone is connected", || peers.connected().into_iter().all(|connected| connected)).await;
}

pub async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() / 5 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain until {what}");
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it happens in time")
}

pub fn signed<T: Signable>(payload: T) -> Signed<T> {
    Signed { payload, signer: id(0), signature: Signature::from_bytes([3; 64]) }
}

pub fn commit(seq: u64) -> Message {
    Message::Commit(signed(Commit { view: View::new(1), seq: SeqNum::new(seq), digest: Digest::ZERO }))
}

pub fn transaction(bytes: usize) -> Transaction {
    let body = TransactionBody {
        chain: Digest::ZERO,
        sender: key(0).public_key(),
        nonce: 1,
        valid_until: Timestamp::from_micros(9),
        command: vec![5; bytes],
    };
    Transaction { body, signature: Signature::from_bytes([4; 64]) }
}

pub fn supply(transactions: usize, bytes: usize) -> Message {
    Message::Supply(signed(Supply::Transactions(vec![transaction(bytes); transactions])))
}

/// One message of each kind.
pub fn every_kind() -> Vec<Message> {
    let (view, seq, digest) = (View::new(1), SeqNum::new(300), Digest::ZERO);
    let assignment = PrePrepare { view, seq, digest };
    let view_change = ViewChange { view, stable: CheckpointCertificate::genesis(), prepared: Vec::new() };
    let view_changes = vec![signed(view_change.clone())];
    vec![
        Message::PrePrepare(Proposal { pre_prepare: signed(assignment), batch: Batch::noop() }),
        Message::Prepare(signed(Prepare { view, seq, digest })),
        commit(300),
        Message::Checkpoint(signed(Checkpoint { seq, state_root: digest })),
        Message::ViewChange(signed(view_change)),
        Message::NewView(signed(NewView { view, view_changes, proposals: vec![signed(assignment)] })),
        Message::Status(signed(Status { view, changing: true, executed: seq, stable: seq, slow: true })),
        Message::Fetch(signed(Fetch::Committed { after: seq })),
        supply(2, 100),
    ]
}

pub fn read(bytes: &[u8]) -> Bytes {
    Connector::encode(&Request::Query(Query::Read(bytes.to_vec())))
}

pub async fn listener(listen: SocketAddr, limits: ClientLimits) -> (ClientListener, mpsc::Receiver<Incoming>) {
    for _ in 0..100 {
        let (inbound, incoming) = mpsc::channel(1024);
        match ClientListener::start(ListenerConfig { listen, key: key(0), limits }, inbound).await {
            Ok(listener) => return (listener, incoming),
            Err(TransportError::AddressInUse { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the port is never free");
}

pub fn connector(address: SocketAddr) -> Connector {
    connector_with(address, ConnectorConfig::default())
}

pub fn connector_with(address: SocketAddr, config: ConnectorConfig) -> Connector {
    Connector::new(vec![(key(0).public_key(), address)], config).unwrap()
}
