//! The journal is cut at stable checkpoints, and what is left of it is enough to come back.

use crate::support::{Chain, eventually};
use tetrarch_kv::KvMachine;
use tetrarch_server::{NodeConfig, tables};
use tetrarch_storage::{Direction, JOURNAL, Reader, RocksStore};
use tetrarch_types::{Parameters, SeqNum};

fn entries(config: &NodeConfig) -> usize {
    let store = RocksStore::open(&config.data_dir.join("db"), &tables(&KvMachine)).unwrap();
    store.scan(JOURNAL, &[], &[], Direction::Ascending, usize::MAX).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_short_and_is_enough() {
    let chain = Chain::with(1, Parameters { checkpoint_interval: 4, window: 8 });
    chain.init();
    let mut nonce = 0;
    for round in 1..=4 {
        let node = chain.start(0).await;
        let mut client = chain.client();
        client.nonce = nonce;
        for step in 0..30 {
            client.put(&format!("k{round}-{step}"), "v").await;
        }
        nonce = client.nonce;
        let written = node.counters()["records"];
        let executed = node.status().executed;
        eventually("the last checkpoint is stable", || node.status().stable_checkpoint.plus(4) > executed).await;
        node.shutdown().await;

        let left = entries(&chain.config(0));
        assert!(written > 30, "{written} records");
        assert!(left < 40, "round {round}: {left} entries left of {written} records");
    }
    let node = chain.start(0).await;
    assert!(node.status().executed > SeqNum::new(100));
    assert_eq!(node.status().revision, 121);
    node.shutdown().await;
}
