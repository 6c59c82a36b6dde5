//! A watch over replicas of which one misbehaves, in real time.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Replica, membership};
use tetrarch_kv::store::{Detail, Place};
use tetrarch_kv::{Command, CommandResult, KvQuery, QueryAnswer, QueryResult, Request};
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
    /// It tells the truth, one revision at a time, and takes its time for each.
    Slow,
    /// All do, for their network is slow.
    AllSlow,
}

const FAULTS: [Fault; 5] = [Fault::None, Fault::Silent, Fault::Broken, Fault::Behind, Fault::Hasty];

/// Four replicas; the second, which is the first to tell, misbehaves.
struct Cluster {
    replicas: Vec<Mutex<Replica>>,
    membership: Membership,
    fault: Fault,
    asked: AtomicUsize,
    /// Who was asked last for all there is, and how often that was another than before.
    teller: Mutex<(usize, usize)>,
}

/// How long a replica that is slow takes for a revision: less than anybody's patience.
const SLOWNESS: Duration = Duration::from_millis(1_500);

const FAULTY: usize = 1;

impl Cluster {
    fn new(fault: Fault) -> Arc<Self> {
        let membership = membership(4);
        let replicas = (0..4).map(|_| Mutex::new(Replica::new(&membership))).collect();
        Arc::new(Self { replicas, membership, fault, asked: AtomicUsize::new(0), teller: Mutex::new((FAULTY, 0)) })
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

    fn note_teller(&self, replica: usize) {
        let (last, changes) = &mut *self.teller.lock().unwrap();
        *changes += usize::from(*last != replica);
        *last = replica;
    }

    fn changes_of_teller(&self) -> usize {
        self.teller.lock().unwrap().1
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
        let is_telling = matches!(query, KvQuery::Story { detail: Detail::Events | Detail::Previous, .. });
        if is_telling {
            self.note_teller(replica.index());
        }
        let fault = match self.fault {
            Fault::AllSlow => Fault::Slow,
            fault if replica.index() == FAULTY => fault,
            _ => Fault::None,
        };
        match fault {
            Fault::Silent => std::future::pending().await,
            Fault::Broken => return Err(BackendError::Unavailable("it is broken".to_owned())),
            Fault::None | Fault::Behind | Fault::Hasty | Fault::Slow | Fault::AllSlow => {}
        }
        let replica = &self.replicas[replica.index()];
        let waits = || behind.is_some_and(|behind| replica.lock().unwrap().executed() <= behind);
        for _ in 0..10_000 {
            if fault == Fault::Hasty || !waits() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if fault == Fault::Slow && is_telling {
            tokio::time::sleep(SLOWNESS).await;
        }
        let mut told = replica.lock().unwrap().tell(query);
        if fault == Fault::Slow {
            cut(&mut told);
        }
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

/// Of a page of the story its first revision.
fn cut(told: &mut Told) {
    if let Ok(QueryAnswer::Story(story)) = &mut told.result.answer
        && let Some(first) = story.revisions.first()
        && story.revisions.len() > 1
    {
        story.next = Place { revision: first.revision + 1, event: 0 };
        story.revisions.truncate(1);
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
async fn a_replica_that_tells_the_truth_slowly_is_left() {
    const COUNT: usize = 200;
    let cluster = Cluster::new(Fault::Slow);
    let mut watch = Watch::from(cluster.clone(), 2, true);
    let writing = tokio::spawn({
        let cluster = cluster.clone();
        async move {
            for _ in 0..COUNT {
                cluster.execute(Request::put("k", "v"));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let taken = tokio::time::timeout(Duration::from_secs(15), take(&mut watch, COUNT)).await.unwrap();
    writing.await.unwrap();
    assert_eq!(taken, cluster.truth(2));
    assert_eq!(cluster.changes_of_teller(), 1);
    // Nobody comes back to it, as long as the others tell.
    tokio::time::sleep(Duration::from_secs(60)).await;
    for _ in 0..20 {
        cluster.execute(Request::put("k", "behind"));
        take(&mut watch, 1).await;
    }
    assert_eq!(cluster.changes_of_teller(), 1);
}

/// All of it takes five minutes, whoever tells it.
#[tokio::test(start_paused = true)]
async fn where_all_are_slow_nobody_is_left_again_and_again() {
    const COUNT: usize = 200;
    let cluster = Cluster::new(Fault::AllSlow);
    (0..COUNT).for_each(|_| cluster.execute(Request::put("k", "v")));
    let mut watch = Watch::from(cluster.clone(), 2, true);
    assert_eq!(take(&mut watch, COUNT).await, cluster.truth(2));
    let changes = cluster.changes_of_teller();
    assert!((1..=10).contains(&changes), "{changes}");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_left_because_what_it_told_is_not_taken() {
    let cluster = Cluster::new(Fault::None);
    (0..40).for_each(|_| cluster.execute(Request::put("k", vec![1; 500_000])));
    let mut watch = Watch::from(cluster.clone(), 2, true);
    for revision in 2..42 {
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(watch.next().await.unwrap().revision, revision);
    }
    assert_eq!(cluster.changes_of_teller(), 0);
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
