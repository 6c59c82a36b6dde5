//! A backend over fake replicas: liars, silent ones, ones that are behind, ones that refuse.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

#[path = "../../client/tests/suite/common/mod.rs"]
#[allow(dead_code, reason = "it serves the client's tests, and this uses some of it")]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Cluster, Me, Script, answering, honest, reply, script, silent, status};
use tetrarch_client::ClientOptions;
use tetrarch_kv::{
    Answered, Command, CommandResult, KvError, KvQuery, QueryAnswer, QueryResult, RangeRequest, Response as KvResponse,
    Selection,
};
use tetrarch_kv_client::{Backend, BackendError, ClusterBackend, ClusterStatus, Freshness};
use tetrarch_types::{
    Answer, NodeMode, NodeStatus, Outcome, Query, Refusal, ReplicaId, Request, Response, SeqNum, View,
};

/// How long these tests wait for what comes: longer than a busy machine stands still.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long they wait for what does not come.
const HASTE: Duration = Duration::from_millis(1_500);

fn backend(cluster: &Cluster) -> ClusterBackend {
    waiting(cluster, PATIENCE)
}

fn waiting(cluster: &Cluster, patience: Duration) -> ClusterBackend {
    let options = ClientOptions { timeout: patience, ..common::OPTIONS };
    ClusterBackend::new(cluster.client_with(options), &cluster.genesis, patience)
}

fn put() -> Command {
    Command::put("key", "value")
}

fn done() -> CommandResult {
    let response = KvResponse::Put { version: 1, previous: None };
    CommandResult { revision: 9, results: Ok(vec![Ok(Answered { revision: 9, response })]) }
}

/// Answers a submission with this outcome.
fn deciding(outcome: Outcome) -> Option<Script> {
    answering(move |me, id| Some(Response::Reply(reply(me, id, &outcome))))
}

fn executing() -> Option<Script> {
    deciding(Outcome::Executed(done().encode()))
}

fn refusing(refusal: Refusal) -> Option<Script> {
    answering(move |_, _| Some(Response::Refused(refusal.clone())))
}

async fn all(script: impl Fn() -> Option<Script>) -> Cluster {
    Cluster::start((0..4).map(|_| script()).collect()).await
}

async fn ordered(cluster: &Cluster) -> Result<CommandResult, BackendError> {
    backend(cluster).order(&put()).await
}

/// Why it is not ordered.
async fn given_up(cluster: &Cluster) -> BackendError {
    waiting(cluster, HASTE).order(&put()).await.unwrap_err()
}

#[tokio::test]
async fn a_command_is_ordered_in_spite_of_a_liar_or_a_silent_replica() {
    let liar = || deciding(Outcome::Executed(b"lie".to_vec()));
    for other in [executing(), liar(), silent(), None] {
        let cluster = Cluster::start(vec![other, executing(), executing(), executing()]).await;
        assert_eq!(ordered(&cluster).await, Ok(done()));
    }
}

#[tokio::test]
async fn what_is_known_to_have_no_effect_is_told_so() {
    for outcome in [Outcome::Expired, Outcome::ValidTooLong] {
        let cluster = all(|| deciding(outcome.clone())).await;
        assert!(matches!(ordered(&cluster).await, Err(BackendError::Refused(why)) if why.contains("clock")));
    }
    let cluster = all(|| refusing(Refusal::Malformed("no".to_owned()))).await;
    assert!(matches!(ordered(&cluster).await, Err(BackendError::Refused(_))));
}

/// A refusal may come after an earlier copy was executed, and Busy is one replica's state only.
#[tokio::test]
async fn an_unknown_outcome_is_never_told_as_one_without_effect() {
    for refusal in [Refusal::Expired, Refusal::NonceForgotten { nonce: 3 }, Refusal::Busy, Refusal::ValidTooLong] {
        let cluster = all(|| refusing(refusal.clone())).await;
        assert_eq!(given_up(&cluster).await, BackendError::TimedOut, "{refusal}");
    }
    let cluster = Cluster::start(vec![executing(), executing(), silent(), None]).await;
    assert_eq!(given_up(&cluster).await, BackendError::TimedOut, "two may have executed it");
    let cluster = all(|| None).await;
    assert!(matches!(given_up(&cluster).await, BackendError::Unavailable(_)));
}

#[tokio::test]
async fn the_same_transaction_is_sent_until_it_is_answered() {
    let slow = || {
        script(|me: &Me, request: &Request| match request {
            Request::Submit(_) if me.count < 4 => None,
            Request::Submit(it) => Some(Response::Reply(reply(me, it.id(), &Outcome::Executed(done().encode())))),
            other => honest(me, other),
        })
    };
    let cluster = all(|| Some(slow())).await;
    assert_eq!(ordered(&cluster).await, Ok(done()));
    assert!((0..4).all(|replica| cluster.sent_to(replica).len() == 1), "one transaction, however often");
}

#[tokio::test]
async fn an_outcome_that_cannot_be_read_is_no_result() {
    let cluster = all(|| deciding(Outcome::Executed(vec![255; 9]))).await;
    assert!(matches!(ordered(&cluster).await, Err(BackendError::Unreadable(_))));
}

/// A replica's store: at each revision, so many keys.
#[derive(Clone)]
struct Store {
    revision: Arc<AtomicU64>,
    /// Added to the keys that it counts: nothing, if it is honest.
    lie: u64,
    /// Whether each question finds it further on.
    is_busy: bool,
    /// Questions about a revision that it refuses, because it was compacted: so many, the first ones.
    compactions: Arc<AtomicU64>,
}

impl Store {
    fn at(revision: u64) -> Self {
        Self { revision: Arc::new(AtomicU64::new(revision)), lie: 0, is_busy: false, compactions: Arc::default() }
    }

    fn script(self) -> Option<Script> {
        Some(script(move |me, request| match request {
            Request::Query(Query::Read(question) | Query::ReadStale(question)) => Some(self.answer(question)),
            Request::Query(Query::ReadAfter { question, .. }) => {
                self.revision.fetch_add(1, Ordering::SeqCst);
                Some(self.answer(question))
            }
            other => honest(me, other),
        }))
    }

    fn answer(&self, question: &[u8]) -> Response {
        let revision = self.revision.load(Ordering::SeqCst);
        let answer = match KvQuery::decode(question).unwrap() {
            KvQuery::Range(range) if range.revision > revision => Err(KvError::FutureRevision),
            KvQuery::Range(range) if range.revision == 0 => Ok(self.keys(revision)),
            KvQuery::Range(_) if self.takes_compaction() => Err(KvError::Compacted),
            KvQuery::Range(range) => Ok(self.keys(range.revision)),
            _ => Ok(QueryAnswer::Lease(None)),
        };
        if self.is_busy {
            self.revision.fetch_add(1, Ordering::SeqCst);
        }
        let bytes = QueryResult { revision, compacted: 0, answer }.encode();
        Response::Answer(Answer { executed: SeqNum::new(revision), bytes })
    }

    fn takes_compaction(&self) -> bool {
        self.compactions.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    fn keys(&self, revision: u64) -> QueryAnswer {
        QueryAnswer::Range(Selection { count: revision + self.lie, ..Selection::default() })
    }
}

async fn stores(stores: [Store; 4]) -> Cluster {
    Cluster::start(stores.into_iter().map(Store::script).collect()).await
}

async fn read(cluster: &Cluster, freshness: Freshness) -> Result<(u64, u64), BackendError> {
    let result = backend(cluster).query(&KvQuery::prefix("", 0), freshness).await?;
    Ok((result.revision, result.selection().unwrap().count))
}

/// Why nobody says what is the latest.
async fn unread(cluster: &Cluster) -> BackendError {
    waiting(cluster, HASTE).query(&KvQuery::prefix("", 0), Freshness::Linearizable).await.unwrap_err()
}

#[tokio::test]
async fn a_quorum_of_equal_answers_is_believed_whatever_one_replica_says() {
    let liar = Store { lie: 50, ..Store::at(u64::MAX / 2) };
    let cluster = stores([liar, Store::at(5), Store::at(5), Store::at(5)]).await;
    assert_eq!(read(&cluster, Freshness::Linearizable).await, Ok((5, 5)));
}

#[tokio::test]
async fn replicas_a_batch_apart_are_asked_about_one_revision() {
    let cluster = stores([Store::at(7), Store::at(6), Store::at(5), Store::at(7)]).await;
    assert_eq!(read(&cluster, Freshness::Linearizable).await, Ok((7, 7)), "those behind come to it");
}

#[tokio::test]
async fn reads_do_not_disagree_while_writes_go_on_and_one_replica_lies() {
    let busy = |revision| Store { is_busy: true, ..Store::at(revision) };
    let liar = Store { lie: 1, ..busy(1_000_000) };
    let cluster = stores([busy(100), busy(103), liar, busy(106)]).await;
    let started = Instant::now();
    let (revision, keys) = read(&cluster, Freshness::Linearizable).await.unwrap();
    assert!(revision == keys && (103..200).contains(&revision), "{revision} {keys}");
    assert!(started.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn a_revision_that_is_compacted_under_way_is_not_the_callers_fault() {
    let store = |revision| Store { compactions: Arc::new(AtomicU64::new(1)), ..Store::at(revision) };
    let cluster = stores([store(7), store(6), store(5), store(7)]).await;
    assert_eq!(read(&cluster, Freshness::Linearizable).await, Ok((7, 7)));

    // A revision that the caller names is answered as it is.
    let store = |revision| Store { compactions: Arc::new(AtomicU64::new(9)), ..Store::at(revision) };
    let cluster = stores([store(7), store(6), store(5), store(7)]).await;
    let asked = KvQuery::Range(RangeRequest { revision: 3, ..RangeRequest::prefix("") });
    let result = backend(&cluster).query(&asked, Freshness::Linearizable).await.unwrap();
    assert_eq!(result.answer, Err(KvError::Compacted));
}

#[tokio::test]
async fn one_revision_with_several_answers_is_for_the_caller_to_order() {
    let [one, other] = [0, 1].map(|lie| Store { lie, ..Store::at(5) });
    let cluster = stores([one.clone(), one, other.clone(), other]).await;
    assert_eq!(unread(&cluster).await, BackendError::Disagree);
}

#[tokio::test]
async fn a_serializable_read_needs_one_honest_replica_and_no_more() {
    let liar = Store { lie: 50, ..Store::at(999) };
    let scripts = vec![liar.script(), Store::at(5).script(), Store::at(5).script(), silent()];
    let cluster = Cluster::start(scripts).await;
    assert_eq!(read(&cluster, Freshness::Serializable).await, Ok((5, 5)));
    assert!(matches!(unread(&cluster).await, BackendError::Unavailable(_)), "two are no quorum");
}

/// Replicas that told clients of a batch, and too few of which are left to decide it, have nothing to say about the latest state (rule X-4).
#[tokio::test]
async fn an_earlier_state_is_read_where_the_latest_cannot_be() {
    let undecided = || {
        let store = Store::at(5);
        Some(script(move |me, request| match request {
            Request::Query(Query::Read(_)) => Some(Response::Refused(Refusal::Busy)),
            Request::Query(Query::ReadStale(question)) => Some(store.answer(question)),
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::start(vec![undecided(), undecided(), undecided(), undecided()]).await;
    assert_eq!(read(&cluster, Freshness::Serializable).await, Ok((5, 5)));
    assert!(
        matches!(unread(&cluster).await, BackendError::Unavailable(_)),
        "all four would answer about an earlier state"
    );
    let told = backend(&cluster).tell(ReplicaId::new(1), &KvQuery::prefix("", 0), None).await.unwrap();
    assert_eq!((told.executed, told.result.revision), (SeqNum::new(5), 5));
}

#[tokio::test]
async fn too_few_replicas_are_named() {
    let cluster = Cluster::start(vec![Store::at(5).script(), Store::at(5).script(), None, silent()]).await;
    let error = unread(&cluster).await;
    assert!(matches!(&error, BackendError::Unavailable(why) if why.contains("3 of 4 replicas are needed and 2")));
}

#[tokio::test]
async fn one_replica_tells_and_may_be_anything() {
    let garbage = script(|me, request| match request {
        Request::Query(Query::ReadStale(_)) => {
            Some(Response::Answer(Answer { executed: SeqNum::new(1), bytes: vec![255; 9] }))
        }
        other => honest(me, other),
    });
    let cluster = Cluster::start(vec![Store::at(5).script(), Some(garbage), None, None]).await;
    let (backend, query) = (backend(&cluster), KvQuery::prefix("", 0));
    let told = backend.tell(ReplicaId::new(0), &query, None).await.unwrap();
    assert_eq!((told.executed, told.result.revision), (SeqNum::new(5), 5));
    let told = backend.tell(ReplicaId::new(0), &query, Some(SeqNum::new(5))).await.unwrap();
    assert_eq!(told.result.revision, 6, "behind what it had");
    let error = backend.tell(ReplicaId::new(1), &query, None).await.unwrap_err();
    assert!(matches!(error, BackendError::Unavailable(why) if why.contains("does not hold")));
}

#[tokio::test]
async fn the_status_is_what_an_honest_replica_says_and_names_who_is_silent() {
    let boaster = script(|me, request| match request {
        Request::Query(Query::Status) => {
            let mut status = status(me);
            (status.revision, status.view) = (u64::MAX, View::new(77));
            status.stored_bytes = u64::MAX;
            Some(Response::Status(status))
        }
        other => honest(me, other),
    });
    let cluster = Cluster::with(4, [(1, Some(boaster)), (3, silent())]).await;
    let backend = backend(&cluster);
    let status = backend.status().await.unwrap();
    assert_eq!((status.revision, status.executed, status.standing.view), (3, 7, 0));
    assert_eq!(status.stored_bytes, 100_000);
    assert_eq!(status.troubles, ["replica 3 does not answer"]);
    assert_eq!(status.standing, backend.standing());
    assert_eq!(status.standing.member_id, status.replicas[0].id);
    assert!(status.has_begun && status.next_primary == status.replicas[1].id);
    assert!(status.replicas.iter().all(|replica| replica.id != 0) && status.standing.cluster_id != 0);

    let cluster = Cluster::with(4, [(2, None), (3, silent())]).await;
    assert!(matches!(status_of(&cluster).await, Err(BackendError::Unavailable(_))), "two are no quorum");
}

/// Replicas that say they are in view 5, or move to it.
async fn in_view_5(modes: [NodeMode; 4]) -> ClusterStatus {
    let saying = |mode: NodeMode| {
        Some(script(move |me, request| match request {
            Request::Query(Query::Status) => {
                Some(Response::Status(NodeStatus { mode: mode.clone(), view: View::new(5), ..status(me) }))
            }
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::start(modes.map(saying).to_vec()).await;
    backend(&cluster).status().await.unwrap()
}

#[tokio::test]
async fn a_view_has_begun_when_more_say_so_than_can_lie() {
    use NodeMode::{ChangingView, Normal, Recovering};
    let status = in_view_5([Normal, ChangingView, ChangingView, Recovering]).await;
    assert!(status.standing.view == 5 && !status.has_begun, "one may lie: {status:?}");
    assert_eq!(status.standing.member_id, status.replicas[1].id);
    assert_eq!(status.next_primary, status.replicas[2].id);
    assert!(in_view_5([Normal, ChangingView, Recovering, Normal]).await.has_begun);
}

#[tokio::test]
async fn a_leader_is_seen_as_long_as_a_quorum_is_in_a_view_that_has_begun() {
    let moving = || {
        Some(script(|me, request| match request {
            Request::Query(Query::Status) => {
                Some(Response::Status(NodeStatus { mode: NodeMode::ChangingView, ..status(me) }))
            }
            other => honest(me, other),
        }))
    };
    let healthy = Cluster::with(4, [(3, silent())]).await;
    let too_few = Cluster::with(4, [(2, None), (3, silent())]).await;
    let leaving = Cluster::start(vec![moving(), moving(), moving(), moving()]).await;
    let backends = [&healthy, &too_few, &leaving].map(backend);
    let waited = Duration::from_secs(4);
    tokio::time::sleep(waited).await;
    let began = Instant::now();
    // It is looked for every second, unless the machine stands still.
    while backends[0].leader_seen() >= Duration::from_secs(3) {
        assert!(began.elapsed() < PATIENCE, "{:?}", backends[0].leader_seen());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let [_, too_few, leaving] = backends.map(|backend| backend.leader_seen());
    assert!(too_few >= waited && leaving >= waited, "{too_few:?} {leaving:?}");
}

async fn status_of(cluster: &Cluster) -> Result<(), BackendError> {
    waiting(cluster, HASTE).status().await.map(drop)
}
