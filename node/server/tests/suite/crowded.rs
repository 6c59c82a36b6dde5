//! One host asks for more than there is room for, and others are served all the same (rule B-6).
#![cfg(target_os = "linux")] // Elsewhere 127.0.0.2 is nobody's address.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tetrarch_crypto::Signature;
use tetrarch_kv::{Command, KvQuery};
use tetrarch_server::Node;
use tetrarch_transport::{Connector, ConnectorConfig};
use tetrarch_types::{Query, Refusal, ReplicaId, Request, Response};
use tokio::task::JoinSet;

use super::support::{Chain, Client, eventually};

/// Each with its own connection.
const FLOODERS: usize = 10;
/// As many as a connection may have in flight: together more than a host has places for anything.
const IN_FLIGHT: usize = 1_024;
/// What somebody else asks meanwhile.
const ASKED: u64 = 25;

/// A host that asks the same thing without end. Ends when it is dropped.
struct Flood {
    refused: Arc<AtomicUsize>,
    _askers: JoinSet<()>,
}

impl Flood {
    fn of(chain: &Chain, request: &Request) -> Self {
        let from = Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
        let replicas = chain.genesis.replicas.iter().map(|it| (it.public_key, it.client_address)).collect();
        let connector = Connector::new(replicas, ConnectorConfig { from, ..ConnectorConfig::default() }).unwrap();
        let (encoded, refused) = (Connector::encode(request), Arc::new(AtomicUsize::new(0)));
        let mut askers = JoinSet::new();
        for _ in 0..FLOODERS {
            let connector = Arc::new(connector.another().unwrap());
            for _ in 0..IN_FLIGHT {
                let (connector, encoded, refused) = (Arc::clone(&connector), encoded.clone(), Arc::clone(&refused));
                askers.spawn(async move {
                    while let Ok(response) = connector.request(ReplicaId::new(0), encoded.clone()).await {
                        let busy = matches!(response, Response::Refused(Refusal::Busy));
                        refused.fetch_add(usize::from(busy), Ordering::Relaxed);
                    }
                });
            }
        }
        Self { refused, _askers: askers }
    }

    fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// It has all that it can get.
    async fn is_refused(&self) {
        let before = self.refused();
        eventually("the flood is refused", || self.refused() > before + IN_FLIGHT).await;
    }
}

async fn alone() -> (Chain, Node, Client) {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    let mut client = chain.client();
    client.put("k", "v").await;
    (chain, node, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_transactions_of_one_host_leave_room_for_others() {
    let (chain, node, client) = alone().await;
    let mut forged = client.sign(7_777, Command::put("k", "forged").encode());
    forged.signature = Signature::from_bytes([7; 64]);
    let flood = Flood::of(&chain, &Request::Submit(forged));
    for nonce in 10..10 + ASKED {
        flood.is_refused().await;
        let transaction = client.sign(nonce, Command::put("k", "v").encode());
        let response = client.ask(0, &Request::Submit(transaction)).await;
        assert!(matches!(response, Response::Reply(_)), "{response:?}");
    }
    drop(flood);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_of_one_host_leave_room_for_others() {
    let (chain, node, client) = alone().await;
    let question = Request::Query(Query::Read(KvQuery::get("k").encode()));
    let flood = Flood::of(&chain, &question);
    for _ in 0..ASKED {
        flood.is_refused().await;
        let response = client.ask(0, &question).await;
        assert!(matches!(response, Response::Answer(_)), "{response:?}");
    }
    drop(flood);
    node.shutdown().await;
}
