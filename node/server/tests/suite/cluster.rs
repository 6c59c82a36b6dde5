//! Four nodes over loopback QUIC.

use std::sync::Arc;

use crate::support::{Chain, eventually};
use tetrarch_crypto::SigningKey;
use tetrarch_kv::Command;
use tetrarch_server::Node;
use tetrarch_types::{NodeMode, Parameters, SeqNum};
use tokio::task::JoinSet;

fn chain() -> Chain {
    Chain::with(4, Parameters { checkpoint_interval: 8, window: 16 })
}

async fn stop_all(nodes: Vec<Node>) {
    nodes.into_iter().map(Node::shutdown).collect::<JoinSet<()>>().join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_agree() {
    let chain = chain();
    let nodes = chain.init().start_all().await;
    let mut client = chain.client();
    for round in 0..40 {
        client.put(&format!("k{round}"), "v").await;
    }
    // Clients are told before a batch is executed, and a root is that of its replica's last checkpoint: all have to be at the same one.
    eventually("everyone executes it all", || {
        let first = nodes[0].status().executed;
        first >= SeqNum::new(40) && nodes.iter().all(|node| node.status().executed == first)
    })
    .await;
    eventually("everyone has the same stable checkpoint", || {
        let first = nodes[0].status().stable_checkpoint;
        first >= SeqNum::new(40) && nodes.iter().all(|node| node.status().stable_checkpoint == first)
    })
    .await;
    let roots: Vec<_> = nodes.iter().map(|node| node.status().state_root).collect();
    assert!(roots.iter().all(|root| *root == roots[0]), "{roots:?}");
    assert!(nodes.iter().all(|node| node.status().mode == NodeMode::Normal && node.evidence().unwrap().is_empty()));
    for id in 0..4 {
        assert_eq!(client.read(id, "k39").await.records[0].1.value, b"v");
    }
    let late: u64 = nodes.iter().map(|node| node.counters()["late_commits"]).sum();
    assert!(late > 0, "of forty batches nobody had decided one before the last COMMIT came");
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_backup_stopped() {
    let chain = chain();
    let mut nodes = chain.init().start_all().await;
    let mut client = chain.client();
    client.put("a", "1").await;
    nodes.remove(3).shutdown().await;
    for round in 0..19 {
        client.put(&format!("k{round}"), "v").await;
    }
    let last = client.put("k19", "v").await.results.seq();

    let back = chain.start(3).await;
    eventually("the one that was away catches up", || back.status().executed >= last).await;
    assert_eq!(client.read(3, "k19").await.records[0].1.value, b"v");
    nodes.push(back);
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_stopped() {
    let chain = chain();
    let mut nodes = chain.init().start_all().await;
    let mut client = chain.client();
    client.put("a", "1").await;
    nodes.remove(0).shutdown().await;
    client.put("b", "2").await;
    assert!(nodes.iter().any(|node| node.status().view.get() > 0));
    client.put("c", "3").await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_killed_and_started_again() {
    let chain = chain();
    let nodes = chain.init().start_all().await;
    let mut client = chain.client();
    for round in 0..30 {
        client.put(&format!("k{round}"), "v").await;
    }
    stop_all(nodes).await;

    let nodes = chain.start_all().await;
    let mut client = chain.client();
    client.nonce = 30;
    client.put("last", "v").await;
    let all_of_it = || nodes.iter().map(|node| node.status().revision).max() == Some(32);
    eventually("what was told is executed", all_of_it).await;
    let before = nodes[0].status().stored_bytes;
    client.put("large", &"v".repeat(200_000)).await;
    eventually("the status tells of what is stored", || nodes[0].status().stored_bytes >= before + 200_000).await;
    stop_all(nodes).await;
}

/// A few senders side by side, one transaction after the other each, so that several batches are in agreement at once.
async fn put_side_by_side(chain: &Chain, first: u8, senders: u8, count: usize) {
    let sender = |seed| {
        let mut client = chain.client();
        client.key = SigningKey::from_seed([seed; 32]);
        async move {
            for step in 0..count {
                client.put(&format!("k{step}"), "v").await;
            }
        }
    };
    (first..first + senders).map(|id| sender(100 + id)).collect::<JoinSet<()>>().join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_at_once() {
    let chain = Chain::new(4);
    let nodes = chain.init().start_all().await;
    let mut all = JoinSet::new();
    for sender in 0..4_u8 {
        let mut client = chain.client();
        client.key = SigningKey::from_seed([100 + sender; 32]);
        let client = Arc::new(client);
        for nonce in 1..=250 {
            let client = Arc::clone(&client);
            let command = Command::put(format!("k{sender}-{nonce}"), "v").encode();
            all.spawn(async move { client.submit(&client.sign(nonce, command)).await });
        }
    }
    let replies = all.join_all().await;
    assert_eq!(replies.len(), 1000);
    let last = replies.iter().map(|reply| reply.results.seq()).max().unwrap();
    eventually("everyone executes it all", || nodes.iter().all(|node| node.status().executed >= last)).await;
    assert!(nodes.iter().all(|node| node.status().revision == 1001 && node.counters()["busy"] == 0));
    stop_all(nodes).await;
}

/// The journal is cut while a later view goes on: what is left of it is enough to go on in that view.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_view_survives_cuts_and_restarts() {
    let chain = Chain::with(4, Parameters { checkpoint_interval: 4, window: 8 });
    let mut nodes = chain.init().start_all().await;
    let mut client = chain.client();
    client.put("a", "1").await;
    nodes.remove(0).shutdown().await;
    for round in 0..4_u8 {
        put_side_by_side(&chain, 10 * round, 6, 5 + usize::from(round)).await;
        eventually("a journal is cut", || nodes.iter().any(|node| node.status().stable_checkpoint > SeqNum::ZERO))
            .await;
        let views: Vec<_> = nodes.iter().map(|node| node.status().view).collect();
        stop_all(nodes).await;
        nodes = Vec::new();
        for (id, before) in (1..4).zip(views) {
            let node = chain.start(id).await;
            assert!(before.get() > 0 && node.status().view >= before, "replica {id}: {:?}", node.status());
            nodes.push(node);
        }
    }
    stop_all(nodes).await;
}
