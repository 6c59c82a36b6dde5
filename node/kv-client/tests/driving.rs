//! A watch over replicas of which one misbehaves, in real time.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Replica, membership};
use tetrarch_kv::{Command, CommandResult, KvQuery, QueryResult, Request};
use tetrarch_kv_client::watch::{Compacted, Happened, Watch, newest};
use tetrarch_kv_client::{Backend, BackendError, ClusterStatus, Freshness, Standing, Told};
use tetrarch_types::{Membership, ReplicaId, SeqNum, Timestamp};

/// How one of the replicas misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It never answers.
    Silent,
    /// It answers nothing but errors.
    Broken,
    /// It executes nothing behind the third batch.
    Behind,
    /// It answers at once, and that it knows nothing new.
    Hasty,
}

const FAULTS: [Fault; 5] = [Fault::None, Fault::Silent, Fault::Broken, Fault::Behind, Fault::Hasty];

/// Four replicas; the second, which is the first to tell, misbehaves.
struct Cluster {
    replicas: Vec<Mutex<Replica>>,
    membership: Membership,
    fault: Fault,
    asked: AtomicUsize,
}

const FAULTY: usize = 1;

impl Cluster {
    fn new(fault: Fault) -> Arc<Self> {
        let membership = membership(4);
        let replicas = (0..4).map(|_| Mutex::new(Replica::new(&membership))).collect();
        Arc::new(Self { replicas, membership, fault, asked: AtomicUsize::new(0) })
    }

    fn execute(&self, command: impl Into<Command>) {
        let command = command.into();
        for (index, replica) in self.replicas.iter().enumerate() {
            let replica = replica.lock().unwrap();
            if index != FAULTY || self.fault != Fault::Behind || replica.executed().get() < 3 {
                replica.execute(&command);
            }
        }
    }

    fn truth(&self, from: u64) -> Vec<Happened> {
        self.replicas[0].lock().unwrap().story(from)
    }
}

impl Backend for Cluster {
    async fn order(&self, _: &Command) -> Result<CommandResult, BackendError> {
        Err(BackendError::Busy)
    }

    async fn query(&self, query: &KvQuery, _: Freshness) -> Result<QueryResult, BackendError> {
        Ok(self.replicas[0].lock().unwrap().tell(query).result)
    }

    async fn tell(&self, replica: ReplicaId, query: &KvQuery, behind: Option<SeqNum>) -> Result<Told, BackendError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let fault = if replica.index() == FAULTY { self.fault } else { Fault::None };
        match fault {
            Fault::Silent => std::future::pending().await,
            Fault::Broken => return Err(BackendError::Unavailable("it is broken".to_owned())),
            Fault::None | Fault::Behind | Fault::Hasty => {}
        }
        let replica = &self.replicas[replica.index()];
        let waits = || behind.is_some_and(|behind| replica.lock().unwrap().executed() <= behind);
        for _ in 0..10_000 {
            if fault == Fault::Hasty || !waits() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let told = replica.lock().unwrap().tell(query);
        Ok(told)
    }

    fn membership(&self) -> Membership {
        self.membership.clone()
    }

    async fn status(&self) -> Result<ClusterStatus, BackendError> {
        Err(BackendError::Busy)
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }

    fn leader_seen(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }
}

async fn take(watch: &mut Watch, count: usize) -> Vec<Happened> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(watch.next().await.unwrap());
    }
    taken
}

#[tokio::test(start_paused = true)]
async fn one_replica_that_misbehaves_keeps_nothing_back() {
    for fault in FAULTS {
        let cluster = Cluster::new(fault);
        (0..5).for_each(|_| cluster.execute(Request::put("k", "before")));
        let mut watch = Watch::from(cluster.clone(), 2, true);
        assert_eq!(take(&mut watch, 5).await, cluster.truth(2), "{fault:?}");
        for _ in 0..20 {
            cluster.execute(Request::put("k", "behind"));
            assert_eq!(take(&mut watch, 1).await, cluster.truth(newest(&*cluster).await.unwrap()), "{fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_without_a_rest() {
    for (fault, bound) in [(Fault::None, 200), (Fault::Broken, 200), (Fault::Hasty, 13_000)] {
        let cluster = Cluster::new(fault);
        let _watch = Watch::from(cluster.clone(), 2, true);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let asked = cluster.asked.load(Ordering::SeqCst);
        assert!((10..bound).contains(&asked), "{fault:?}: {asked} questions in a minute of nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_takes_is_not_asked_for() {
    let cluster = Cluster::new(Fault::None);
    (0..40).for_each(|_| cluster.execute(Request::put("k", vec![1; 500_000])));
    let mut watch = Watch::from(cluster.clone(), 2, false);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let before = cluster.asked.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(cluster.asked.load(Ordering::SeqCst), before);
    let taken: Vec<u64> = take(&mut watch, 40).await.into_iter().map(|happened| happened.revision).collect();
    assert_eq!(taken, (2..42).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn what_is_believed_together_is_handed_over_together_and_not_without_end() {
    let cluster = Cluster::new(Fault::None);
    (0..40).for_each(|_| cluster.execute(Request::put("k", vec![1; 100_000])));
    let mut watch = Watch::from(cluster.clone(), 2, false);
    let (mut revisions, mut sizes) = (vec![watch.next().await.unwrap().revision], Vec::new());
    while revisions.len() < 40 {
        let some = watch.some().await.unwrap();
        sizes.push(some.len());
        revisions.extend(some.iter().map(|happened| happened.revision));
    }
    assert_eq!(revisions, (2..42).collect::<Vec<u64>>());
    assert!(sizes.iter().all(|size| (1..=11).contains(size)) && sizes.contains(&11), "a megabyte at a time: {sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_compacted_ends_a_watch() {
    let cluster = Cluster::new(Fault::Silent);
    (0..5).for_each(|_| cluster.execute(Request::put("k", "v")));
    cluster.execute(Request::Compact { revision: 5 });
    assert_eq!(Watch::from(cluster.clone(), 3, false).next().await, Err(Compacted { revision: 5 }));
    assert_eq!(Watch::from(cluster.clone(), 5, false).next().await.unwrap().revision, 5);
}
