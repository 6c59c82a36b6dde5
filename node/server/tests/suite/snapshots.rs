//! Snapshots come and go, proofs lead to them, and what a node keeps on its disk does not grow with time.

use std::fs;
use std::path::Path;

use crate::support::cluster::{Cluster, INTERVAL, WINDOW, key, value};
use crate::support::damage::{files_of, settle, size};
use crate::support::{Chain, eventually};
use tetrarch_crypto::{Ed25519, SigningKey};
use tetrarch_types::{Parameters, Query, Refusal, Request, Response, SeqNum, StateProof};
use tokio::task::JoinSet;

/// Batches of each third of a long run.
const THIRD: usize = 700;

/// Tables of which a node keeps the latest only.
const OWN: [&str; 5] = ["journal", "execution.ledger", "execution.bodies", "execution.places", "execution.changed"];

fn bytes_of(data_dir: &Path, tables: &[&str]) -> u64 {
    let files = tables.iter().flat_map(|table| files_of(data_dir, table));
    files.map(|path| fs::metadata(path).unwrap().len()).sum()
}

/// What stands where snapshots are kept: numbers, and what is being taken or removed.
fn names(data_dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(data_dir.join("db.snapshots")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn numbers(data_dir: &Path) -> Vec<u64> {
    names(data_dir).iter().filter_map(|name| name.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_few_and_go_away() {
    let mut cluster = Cluster::started().await;
    // Two stable ones, those of the window behind them, and one that has not lost its name yet; five that leave the disk.
    let most = 2 + usize::try_from(WINDOW / INTERVAL).unwrap() + 1;
    for _ in 0..80 {
        cluster.write(1).await;
        for id in 0..4 {
            let held = numbers(&cluster.config(id).data_dir);
            assert!(held.len() <= most, "replica {id} has {held:?}");
            let all = names(&cluster.config(id).data_dir);
            assert!(all.len() <= most + 5, "replica {id} has {all:?} on the disk");
        }
    }
    cluster.agrees().await;
    eventually("two are left", || (0..4).all(|id| names(&cluster.config(id).data_dir).len() <= 2)).await;
    let numbers = numbers(&cluster.config(0).data_dir);
    let stable = cluster.status(0).stable_checkpoint.get();
    assert!(numbers.iter().all(|number| number + INTERVAL >= stable), "{numbers:?}, and {stable} is stable");
    cluster.stop_all().await;
}

async fn proof(cluster: &Cluster, replica: usize, key: &str) -> Response {
    let query = Query::Prove { table: "kv.records".to_owned(), key: key.as_bytes().to_vec() };
    cluster.client.ask(replica, &Request::Query(query)).await
}

fn checked(cluster: &Cluster, response: Response) -> StateProof {
    let Response::Proof(proof) = response else { panic!("no proof: {response:?}") };
    proof.verify(&cluster.chain.genesis.membership(), &Ed25519).unwrap();
    *proof
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_of_what_is_there_and_of_what_is_not() {
    let mut cluster = Cluster::started().await;
    cluster.write(1).await;
    let first = SeqNum::new(INTERVAL);
    assert_eq!(proof(&cluster, 1, &key(0)).await, Response::Refused(Refusal::NoCheckpoint { first }));

    cluster.write(16).await;
    cluster.agrees().await;
    let stable = |id: usize| cluster.status(id).stable_checkpoint;
    eventually("a stable checkpoint", || (0..4).all(|id| stable(id) >= SeqNum::new(16))).await;
    for id in 0..4 {
        let present = checked(&cluster, proof(&cluster, id, &key(3)).await);
        let holds = |value: &[u8]| present.value.as_ref().unwrap().windows(value.len()).any(|part| part == value);
        assert!(holds(&value(3, 16)));
        assert!(present.certificate.seq >= SeqNum::new(16));
        assert_eq!(checked(&cluster, proof(&cluster, id, "nobody").await).value, None);

        let forged = StateProof { value: None, ..present };
        assert!(forged.verify(&cluster.chain.genesis.membership(), &Ed25519).is_err());
    }
    let unknown = Query::Prove { table: "journal".to_owned(), key: vec![1] };
    let refused = cluster.client.ask(0, &Request::Query(unknown)).await;
    assert!(matches!(refused, Response::Refused(_)), "{refused:?}");
    assert_eq!(cluster.node(0).status().mode, tetrarch_types::NodeMode::Normal);
    cluster.stop_all().await;
}

/// Small batches on a few keys: the journal is cut, the ledger is bounded, snapshots go.
#[tokio::test(flavor = "multi_thread")]
async fn the_disk_levels_off() {
    let chain = Chain::with(1, Parameters { checkpoint_interval: INTERVAL, window: WINDOW });
    chain.init();
    let config = || tetrarch_server::NodeConfig { ledger_batches: 16, ..chain.config(0) };
    let mut sizes = Vec::new();
    for third in 0..3_u8 {
        let node = tetrarch_server::Node::start(config()).await.unwrap();
        for part in 0..7_u8 {
            write_on(&chain, 10 * third + part, THIRD / 7).await;
        }
        eventually("the last checkpoint is stable", || {
            let status = node.status();
            status.stable_checkpoint.plus(INTERVAL) > status.executed
        })
        .await;
        eventually("as many are on the disk", || names(&config().data_dir).len() <= 4).await;
        node.shutdown().await;
        settle(&config().data_dir);
        sizes.push((bytes_of(&config().data_dir, &OWN), size(&config().data_dir)));
    }
    let [(own, all), _, (own_at_last, all_at_last)] = sizes[..] else { panic!("{sizes:?}") };
    assert!(own_at_last < own * 3 / 2 + 8192, "{sizes:?}");
    // Events and replies have bounds of their own, which so few batches do not reach.
    assert!(all_at_last < all * 5 / 2, "{sizes:?}");
}

/// One sender after the other, so that each has few nonces.
async fn write_on(chain: &Chain, sender: u8, count: usize) {
    let mut client = chain.client();
    client.key = SigningKey::from_seed([100 + sender; 32]);
    let mut writes = JoinSet::new();
    writes.spawn(async move {
        for step in 0..count {
            client.put(&format!("k{}", step % 8), "v").await;
        }
    });
    writes.join_all().await;
}
