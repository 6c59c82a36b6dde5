//! Rows that can be read and say nothing: damage like any other, wherever they are met.

use std::path::Path;

use crate::support::cluster::Cluster;
use crate::support::damage::settle;
use crate::support::eventually_so;
use tetrarch_kv::KvMachine;
use tetrarch_server::{NodeConfig, StartCheck, run, tables};
use tetrarch_storage::{Direction, Durability, Reader, RocksStore, Store, Table, WriteBatch};
use tetrarch_types::NodeMode;
use tokio::sync::oneshot;

/// The replica whose disk is bad.
const VICTIM: usize = 2;

/// Longer than any row of a tree, and no beginning of anything.
const NOISE: [u8; 7] = [0xff; 7];

/// Writes noise into all rows of a table, as something did that keeps checksums.
fn garble(data_dir: &Path, table: &'static str) {
    let store = RocksStore::open(&data_dir.join("db"), &tables(&KvMachine)).unwrap();
    let table = Table::new(table);
    let rows = store.scan(table, &[], &[], Direction::Ascending, 10_000).unwrap();
    assert!(!rows.is_empty(), "{}", table.name());
    let mut batch = WriteBatch::new();
    rows.into_iter().for_each(|(key, _)| batch.put(table, key, NOISE));
    store.write(batch, Durability::Synced).unwrap();
}

/// The victim comes back by itself, votes at once, and says what it found; not that it fetched everything.
async fn is_mended(table: &'static str, named: &str) {
    let mut cluster = Cluster::started().await;
    cluster.write(18).await;
    cluster.stop(VICTIM).await;
    let config = cluster.config(VICTIM);
    settle(&config.data_dir);
    garble(&config.data_dir, table);
    cluster.start_with(VICTIM, config).await;
    cluster.never_lies_until_level(VICTIM).await;
    cluster.becomes_level(VICTIM).await;
    // Nothing is decided any more without it.
    cluster.stop(0).await;
    cluster.agrees().await;
    let status = cluster.status(VICTIM);
    assert_eq!(status.mode, NodeMode::Normal, "{status:?}");
    let findings = status.recovery.findings;
    assert!(findings.iter().any(|finding| finding.contains(named)), "{table}: {findings:?}");
    assert!(!findings.iter().any(|finding| finding.contains("begins anew and fetches everything")), "{findings:?}");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_tree() {
    is_mended("execution.tree", "execution.tree").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_of_the_tree() {
    is_mended("execution.paths", "execution.paths").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_changes() {
    is_mended("execution.changed", "execution.changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decided_batches() {
    is_mended("execution.ledger", "the ledger").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies() {
    is_mended("execution.bodies", "the ledger").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_of_bodies() {
    is_mended("execution.places", "the ledger").await;
}

/// A hot start reads no ledger, and nobody but a peer that is behind does later.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_asks_for() {
    let mut cluster = Cluster::started().await;
    cluster.write(6).await;
    cluster.stop(0).await;
    cluster.write(2).await;
    cluster.stop_all().await;
    let config = NodeConfig { recovery: StartCheck::Hot, ..cluster.config(VICTIM) };
    garble(&config.data_dir, "execution.bodies");
    let (end, ended) = oneshot::channel::<()>();
    let program = tokio::spawn(run(config, async move { ended.await.unwrap() }));
    cluster.start(0).await;

    let asker = cluster.chain.client();
    let is_said = |finding: &String| finding.contains("the ledger");
    eventually_so("it started anew", async || {
        let status = asker.try_status(VICTIM).await;
        status.is_some_and(|it| it.recovery.findings.iter().any(is_said))
    })
    .await;
    cluster.start(1).await;
    cluster.start(3).await;
    cluster.agrees().await;
    let mode = async || asker.try_status(VICTIM).await.map(|it| it.mode);
    eventually_so("it votes", async || mode().await == Some(NodeMode::Normal)).await;
    end.send(()).unwrap();
    program.await.unwrap().unwrap();
    cluster.stop_all().await;
}
