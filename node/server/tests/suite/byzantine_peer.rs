//! A member that sends what no honest one sends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{self, Chain, eventually};
use tetrarch_crypto::{Digest, Ed25519};
use tetrarch_server::Node;
use tetrarch_transport::{Inbound, PeerConfig, Peers, Received};
use tetrarch_types::{Commit, Fetch, Message, Prepare, ReplicaId, SeqNum, Signed, View};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Replica 3, by hand.
struct Liar {
    peers: Peers,
    votes: mpsc::Receiver<Received>,
    bulk: mpsc::Receiver<Received>,
}

const LIAR: ReplicaId = ReplicaId::new(3);
const VICTIM: ReplicaId = ReplicaId::new(0);

/// The least time between two supplies to one peer.
const REST: Duration = Duration::from_millis(10);

impl Liar {
    async fn start(chain: &Chain) -> Self {
        let (votes_in, votes) = mpsc::channel(1024);
        let (bulk_in, bulk) = mpsc::channel(1024);
        let replicas = &chain.genesis.replicas;
        let config = PeerConfig {
            id: LIAR,
            membership: Arc::new(chain.genesis.membership()),
            key: chain.keys[3].clone(),
            listen: replicas[3].peer_address,
            peers: replicas.iter().map(|member| member.peer_address).collect(),
        };
        let peers = Peers::start(config, Inbound { votes: votes_in, bulk: bulk_in }).await.unwrap();
        Self { peers, votes, bulk }
    }

    async fn meet(&mut self) {
        timeout(support::PATIENCE, self.votes.recv()).await.unwrap().unwrap();
        let connected = || self.peers.connected()[VICTIM.index()];
        eventually("connected", connected).await;
    }

    fn send(&self, message: &Message) {
        self.peers.send(VICTIM, message.lane(), Peers::frame(message));
    }
}

fn commit(chain: &Chain, signer: usize, digest: u8) -> Message {
    let digest = Digest::from_bytes([digest; 32]);
    let commit = Commit { view: View::ZERO, seq: SeqNum::new(1), digest };
    let id = ReplicaId::new(u16::try_from(signer).unwrap());
    Message::Commit(Signed::new(commit, id, chain.genesis.membership().scope(), &chain.keys[signer]))
}

async fn victim(chain: &Chain) -> Node {
    chain.start(VICTIM.index()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn equivocation_is_kept_as_evidence_across_restarts() {
    let chain = Chain::new(4);
    let node = victim(chain.init()).await;
    let mut liar = Liar::start(&chain).await;
    liar.meet().await;
    liar.send(&commit(&chain, 3, 1));
    liar.send(&commit(&chain, 3, 2));
    liar.send(&commit(&chain, 3, 2));
    eventually("evidence", || node.status().evidence > 0).await;
    node.shutdown().await;

    let node = victim(&chain).await;
    assert_eq!(node.status().evidence, 1);
    let evidence = node.evidence().unwrap();
    assert_eq!(evidence.len(), 1);
    assert_eq!(evidence[0].accused(), LIAR);
    assert!(evidence[0].holds(&chain.genesis.membership(), &Ed25519));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_another() {
    let chain = Chain::new(4);
    let node = victim(chain.init()).await;
    let mut liar = Liar::start(&chain).await;
    liar.meet().await;
    // Well signed, by replica 2, but sent by replica 3.
    liar.send(&commit(&chain, 2, 1));
    // In the name of replica 3, signed with another key.
    let Message::Commit(mut forged) = commit(&chain, 2, 1) else { unreachable!() };
    forged.signer = LIAR;
    liar.send(&Message::Commit(forged));
    // A PREPARE of the view's primary counts for nothing.
    let prepare = Prepare { view: View::new(3), seq: SeqNum::new(1), digest: Digest::ZERO };
    liar.send(&Message::Prepare(Signed::new(prepare, LIAR, chain.genesis.membership().scope(), &chain.keys[3])));
    eventually("all refused", || node.counters()["messages_rejected"] == 3).await;
    assert_eq!(node.status().evidence, 0);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_served_now_and_then() {
    let chain = Chain::new(4);
    chain.init();
    let mut nodes = Vec::new();
    for id in 0..3 {
        nodes.push(chain.start(id).await);
    }
    let mut liar = Liar::start(&chain).await;
    liar.meet().await;
    let mut client = chain.client();
    let seq = client.put("k", "v").await.results.seq();
    eventually("there is something to supply", || nodes[0].status().executed >= seq).await;

    let fetch = Fetch::Committed { after: SeqNum::ZERO };
    let fetch = Message::Fetch(Signed::new(fetch, LIAR, chain.genesis.membership().scope(), &chain.keys[3]));
    let before = nodes[0].counters()["supplies"];
    let began = Instant::now();
    for _ in 0..200 {
        liar.send(&fetch);
    }
    let supply = async {
        loop {
            let received = liar.bulk.recv().await.unwrap();
            if let Message::Supply(_) = received.message {
                return received.from;
            }
        }
    };
    timeout(support::PATIENCE, supply).await.expect("a supply");
    eventually("replica 0 has one too", || nodes[0].counters()["supplies"] > before).await;
    let (mut served, mut last) = (0, began.elapsed());
    while began.elapsed() < last + Duration::from_millis(300) {
        let now = nodes[0].counters()["supplies"] - before;
        if now > served {
            (served, last) = (now, began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // One at once, and another each time that it has rested, as long as there are wishes: how long that is depends on the machine.
    let most = 2 + last.as_millis() / REST.as_millis();
    assert!((1..=most).contains(&served.into()), "{served} supplies for 200 wishes in {last:?}");
    for node in nodes {
        node.shutdown().await;
    }
}
