//! A replica that lost its records starts, and the power fails at any of the writes of that start: the next one knows of the loss too
//! (rule A-2).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod support;

use std::sync::Arc;

use support::Chain;
use tetrarch_kv::{Execution, KvMachine};
use tetrarch_replica::Record;
use tetrarch_server::{Identity, Node, NodeError};
use tetrarch_storage::{FailureKind, FaultyStore, Journal, MemoryMark};
use tetrarch_types::encode;

#[derive(Default)]
struct Disk {
    store: Arc<FaultyStore>,
    mark: MemoryMark,
}

impl Disk {
    async fn start(&self, chain: &Chain) -> Result<(), NodeError> {
        let config = chain.config(0);
        let (identity, mark) = (Identity::load(&config).unwrap(), Box::new(self.mark.clone()));
        let node = Node::start_on(&config, identity, KvMachine, Arc::clone(&self.store), mark).await?;
        node.shutdown().await;
        Ok(())
    }

    /// What the journal's last word on it is.
    fn says_lost(&self) -> bool {
        let (_, entries) = Journal::open(Arc::clone(&self.store), Box::new(self.mark.clone())).unwrap();
        entries.last().is_some_and(|entry| entry.payload == encode(&Record::Lost))
    }
}

/// Each write in turn loses its power, and is there afterwards or not.
async fn interrupted(scene: impl Fn(&Chain) -> Disk) {
    let chain = Chain::new(4);
    let (mut nth, mut was_interrupted) = (0, true);
    while was_interrupted {
        for kept in [0, 9] {
            let disk = scene(&chain);
            disk.store.fail_writes(Some((nth, FailureKind::FsyncLost)));
            was_interrupted = disk.start(&chain).await.is_err();
            disk.store.fail_writes(None);
            disk.store.crash(|_| kept);
            disk.start(&chain).await.unwrap();
            assert!(disk.says_lost(), "write {nth}, of which {kept} are kept");
        }
        nth += 1;
    }
    assert!(nth > 1, "no start was interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_replica_whose_journal_was_cut() {
    interrupted(|chain| {
        let disk = Disk::default();
        Execution::<KvMachine, _>::init(&disk.store, &chain.genesis.membership()).unwrap();
        let (mut journal, _) = Journal::open(Arc::clone(&disk.store), Box::new(disk.mark.clone())).unwrap();
        let before = disk.store.image();
        journal.append(vec![encode(&Record::Cured)]).unwrap();
        disk.store.restore(&before);
        disk
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_replica_that_was_wiped() {
    interrupted(|_| Disk::default()).await;
}
