//! A client that keeps its nonces on disk uses none twice, whatever the replicas know of them.

use std::path::{Path, PathBuf};

use crate::common::{Cluster, OPTIONS, Script, honest, script};
use tetrarch_client::{Client, ClientError, NonceFile};
use tetrarch_types::{Query, Request, Response};

/// Executes everything, and has never heard of the sender.
fn forgetful() -> Option<Script> {
    Some(script(|me, request| match request {
        Request::Query(Query::Nonce(_)) => Some(Response::Nonce(None)),
        other => honest(me, other),
    }))
}

async fn cluster() -> Cluster {
    Cluster::start((0..4).map(|_| forgetful()).collect()).await
}

fn key(dir: &Path) -> PathBuf {
    let path = dir.join("key.pem");
    std::fs::write(&path, "whatever: only its lock is of interest").unwrap();
    path
}

fn client(cluster: &Cluster, key: &Path) -> Client {
    cluster.client_with(OPTIONS).keeping_nonces(NonceFile::open(key).unwrap())
}

#[tokio::test]
async fn whoever_comes_next_goes_on_above() {
    let (cluster, dir) = (cluster().await, tempfile::tempdir().unwrap());
    let key = key(dir.path());
    let mut sent = 0;
    // As after a kill: nothing is written when one ends.
    for life in 0..3 {
        let client = client(&cluster, &key);
        for number in 0..3 {
            client.submit(vec![life, number]).await.unwrap();
            sent += 1;
        }
    }
    let mut nonces: Vec<u64> = cluster.sent_to(0).iter().map(|transaction| transaction.body.nonce).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), sent, "each has a nonce of its own: {nonces:?}");
    assert!(nonces.last().is_some_and(|last| *last < 4_096), "and few are skipped: {nonces:?}");
}

#[tokio::test]
async fn without_the_file_the_same_nonces_would_be_used_again() {
    let cluster = cluster().await;
    for life in 0..64 {
        cluster.client_with(OPTIONS).submit(vec![life]).await.unwrap();
    }
    let mut nonces: Vec<u64> = cluster.sent_to(0).iter().map(|transaction| transaction.body.nonce).collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert!(nonces.len() <= 16, "so the test above can fail: {nonces:?}");
}

#[tokio::test]
async fn nothing_is_sent_under_a_nonce_that_could_not_be_set_aside() {
    let (cluster, dir) = (cluster().await, tempfile::tempdir().unwrap());
    let gone = dir.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let client = client(&cluster, &key(&gone));
    std::fs::remove_dir_all(&gone).unwrap();
    let error = client.submit(vec![1]).await.unwrap_err();
    assert!(matches!(error, ClientError::Nonces(_)), "{error}");
    assert!(cluster.sent_to(0).is_empty());
}
