//! The power fails at any of the writes of a start, or of what makes a directory ready for the first one. A replica that lost its
//! records knows of it with the next start too (rule A-2); one that never ran has lost nothing.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::support::cluster::Cluster;
use crate::support::{Chain, eventually};
use tetrarch_kv::{Execution, KvMachine, OpenError};
use tetrarch_replica::Record;
use tetrarch_server::{Identity, Node, NodeError, init, tables};
use tetrarch_storage::{FailureKind, FaultyStore, Journal, Mark, MarkFile, MemoryMark, RocksStore};
use tetrarch_types::{NodeMode, encode};

#[derive(Default)]
struct Disk {
    store: Arc<FaultyStore>,
    mark: MemoryMark,
}

impl Disk {
    /// Of a replica that never ran.
    fn ready(chain: &Chain) -> Self {
        let disk = Self { store: Arc::default(), mark: MemoryMark::at_origin() };
        disk.init_state(chain).unwrap();
        disk
    }

    fn init_state(&self, chain: &Chain) -> Result<(), OpenError> {
        Execution::<KvMachine, _>::init(&self.store, &chain.genesis.membership())
    }

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

/// Each write of a start in turn loses its power, and is there afterwards or not. How many writes there were.
async fn interrupted(scene: impl Fn(&Chain) -> Disk, is_loss: bool) -> u64 {
    let chain = Chain::new(4);
    let (mut nth, mut was_interrupted) = (0, true);
    while was_interrupted {
        for (kept, marked) in [(0, false), (9, false), (0, true), (9, true)] {
            let disk = scene(&chain);
            disk.store.fail_writes(Some((nth, FailureKind::FsyncLost)));
            was_interrupted = disk.start(&chain).await.is_err();
            disk.store.fail_writes(None);
            disk.store.crash(|_| kept);
            disk.mark.crash(marked);
            disk.start(&chain).await.unwrap();
            assert_eq!(disk.says_lost(), is_loss, "write {nth}, of which {kept} are kept, and a mark: {marked}");
        }
        nth += 1;
    }
    nth - 1
}

async fn loses_power(scene: impl Fn(&Chain) -> Disk) {
    assert!(interrupted(scene, true).await > 0, "no start was interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_replica_whose_journal_was_cut() {
    loses_power(|chain| {
        let disk = Disk::ready(chain);
        let (mut journal, _) = Journal::open(Arc::clone(&disk.store), Box::new(disk.mark.clone())).unwrap();
        let before = disk.store.image();
        journal.append(vec![encode(&Record::Lost)]).unwrap();
        journal.append(vec![encode(&Record::Cured)]).unwrap();
        disk.store.restore(&before);
        disk
    })
    .await;
}

/// Nothing is lost: the mark has it, and still has it when a start was interrupted while it wrote that.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_replica_whose_last_append_only_the_mark_has() {
    let scene = |chain: &Chain| {
        let disk = Disk::ready(chain);
        let (mut journal, _) = Journal::open(Arc::clone(&disk.store), Box::new(disk.mark.clone())).unwrap();
        let before = disk.store.image();
        journal.append(vec![encode(&Record::Lost), encode(&Record::Cured)]).unwrap();
        disk.store.restore(&before);
        disk
    };
    assert!(interrupted(scene, false).await > 0, "it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_replica_that_was_wiped() {
    loses_power(|_| Disk::default()).await;
}

/// Found by a simulated replica without a checkpoint, which a torn sector left no entry: it looked like one that never ran.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_replica_whose_mark_went_with_its_whole_journal() {
    loses_power(|chain| {
        let disk = Disk::ready(chain);
        disk.mark.clear();
        disk
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_replica_that_never_ran() {
    interrupted(Disk::ready, false).await;
}

/// What `init` writes, the mark first: a directory that is not whole is one that was wiped.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_made_ready_to_the_end_is_lost() {
    let chain = Chain::new(4);
    for kept in [0, 9] {
        let disk = Disk { store: Arc::default(), mark: MemoryMark::at_origin() };
        disk.store.fail_write_at(0, FailureKind::FsyncLost);
        disk.init_state(&chain).unwrap_err();
        disk.store.crash(|_| kept);
        disk.start(&chain).await.unwrap();
        assert_eq!(disk.says_lost(), kept == 0);
    }
    let disk = Disk { store: Arc::default(), mark: MemoryMark::at_origin() };
    disk.init_state(&chain).unwrap();
    assert_eq!(disk.store.counters().writes, 1, "there is one write that can be interrupted");
}

/// The same with files: each step of `init` is the last before the power fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_was_not_made_ready_to_the_end_makes_a_replica_that_lost_records() {
    let steps: [fn(&Path); 4] = [
        |_| {},
        |dir| drop(MarkFile::create(&dir.join("journal.mark")).unwrap()),
        |dir| {
            drop(MarkFile::create(&dir.join("journal.mark")).unwrap());
            RocksStore::open(&dir.join("db"), &tables(&KvMachine)).unwrap();
        },
        |dir| drop(MarkFile::open(&dir.join("journal.mark")).unwrap()),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let chain = Chain::new(4);
        let config = chain.config(0);
        fs::create_dir(&config.data_dir).unwrap();
        step(&config.data_dir);
        notes_a_loss(&chain, number).await;
    }
}

/// What a version made that set no mark, if it never ran: no different from a mark that was lost and begun anew just before the power
/// failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_whose_mark_was_never_set_makes_a_replica_that_lost_records() {
    let chain = Chain::new(4);
    init(&chain.config(0)).unwrap();
    let mark = chain.config(0).data_dir.join("journal.mark");
    fs::remove_file(&mark).unwrap();
    drop(MarkFile::open(&mark).unwrap());
    notes_a_loss(&chain, 0).await;
}

async fn notes_a_loss(chain: &Chain, number: usize) {
    let data = chain.config(0).data_dir;
    for start in 0..2 {
        let node = chain.start(0).await;
        let status = node.status();
        assert_eq!(status.recovery.findings.is_empty(), start > 0, "{number}, start {start}: {status:?}");
        assert!(status.recovery.findings.len() <= 2, "nothing is said twice: {status:?}");
        node.shutdown().await;
        let store = RocksStore::open(&data.join("db"), &tables(&KvMachine)).unwrap();
        let mark = MarkFile::open(&data.join("journal.mark")).unwrap();
        let (_, entries) = Journal::open(store, Box::new(mark)).unwrap();
        assert!(entries.last().is_some_and(|entry| entry.payload == encode(&Record::Lost)), "{number}, start {start}");
    }
}

/// Nobody of a whole new cluster is silent, although all their journals are empty and all their marks stand where they began.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_cluster_votes() {
    let mut cluster = Cluster::prepared(8);
    for id in 0..4 {
        let mark = MarkFile::peek(&cluster.config(id).data_dir.join("journal.mark")).unwrap();
        assert_eq!(mark, Some(Mark::ORIGIN.into()));
        cluster.start(id).await;
        assert!(cluster.status(id).recovery.findings.is_empty());
    }
    for id in 0..4 {
        // It asked the others, as with every start.
        eventually("it votes", || cluster.status(id).mode == NodeMode::Normal).await;
    }
    cluster.write(2).await;
    cluster.stop_all().await;
}
