//! Reads need q identical answers.

use std::time::Instant;

use crate::common::{self, Cluster, Me, OPTIONS, Script, honest, ids, script, silent};
use tetrarch_client::{ClientError, Trouble};
use tetrarch_types::{Answer, Query, Refusal, Request, Response, SeqNum};

fn reading(answer: impl Fn(&Me) -> Option<Answer> + Send + Sync + 'static) -> Option<Script> {
    Some(script(move |me, request| match request {
        Request::Query(Query::Read(_)) => answer(me).map(Response::Answer),
        other => honest(me, other),
    }))
}

fn saying(bytes: &'static [u8], executed: u64) -> Option<Script> {
    reading(move |_| Some(Answer { executed: SeqNum::new(executed), bytes: bytes.to_vec() }))
}

#[tokio::test]
async fn a_read_is_answered_at_a_quorum() {
    let cluster = Cluster::with(4, []).await;
    let answer = cluster.client().read(b"abc".to_vec()).await.unwrap();
    assert_eq!((answer.bytes.as_slice(), answer.executed), (b"cba".as_slice(), SeqNum::new(7)));
    assert!(answer.replicas.len() >= 3);
}

#[tokio::test]
async fn one_liar_or_silent_replica_changes_nothing() {
    for other in [saying(b"lie", 9), silent(), None] {
        let cluster = Cluster::with(4, [(0, other)]).await;
        let answer = cluster.client().read(b"abc".to_vec()).await.unwrap();
        assert_eq!((answer.bytes, answer.replicas), (b"cba".to_vec(), ids([1, 2, 3])));
    }
}

#[tokio::test]
async fn how_far_the_answer_goes_is_what_f_plus_one_confirm() {
    let cluster =
        Cluster::with(4, [(0, saying(b"x", u64::MAX)), (1, saying(b"x", 5)), (2, saying(b"x", 4)), (3, None)]).await;
    assert_eq!(cluster.client().read(vec![]).await.unwrap().executed, SeqNum::new(5));
}

#[tokio::test]
async fn answers_that_stay_different_are_for_the_caller_to_order() {
    let cluster = Cluster::with(4, [(0, saying(b"one", 1)), (1, saying(b"two", 2))]).await;
    let started = Instant::now();
    let error = cluster.client().read(b"abc".to_vec()).await.unwrap_err();
    assert!(matches!(error, ClientError::Disagree { needed: 3, attempts: 3 }), "{error}");
    assert!(started.elapsed() < OPTIONS.timeout / 2);
}

#[tokio::test]
async fn different_answers_beside_a_silent_replica_do_not_take_for_ever() {
    let cluster = Cluster::with(4, [(0, saying(b"one", 1)), (1, silent())]).await;
    let error = cluster.hasty_client().read(b"abc".to_vec()).await.unwrap_err();
    assert!(matches!(error, ClientError::Disagree { .. }), "{error}");
}

#[tokio::test]
async fn a_replica_that_lags_for_a_moment_is_asked_again() {
    let lagging = || {
        reading(|me| {
            let bytes = if me.count == 0 { b"old".to_vec() } else { b"new".to_vec() };
            Some(Answer { executed: SeqNum::new(7), bytes })
        })
    };
    let cluster =
        Cluster::with(4, [(0, saying(b"new", 7)), (1, saying(b"new", 7)), (2, lagging()), (3, lagging())]).await;
    assert_eq!(cluster.client().read(vec![]).await.unwrap().bytes, b"new");
}

#[tokio::test]
async fn too_few_answers_are_no_disagreement() {
    let cluster = Cluster::with(4, [(0, None), (1, silent())]).await;
    let error = cluster.hasty_client().read(b"abc".to_vec()).await.unwrap_err();
    let ClientError::NoQuorum(report) = &error else { panic!("{error}") };
    assert_eq!((report.answered.clone(), report.transaction), (ids([2, 3]), None));
}

#[tokio::test]
async fn a_malformed_query_is_refused_by_f_plus_one() {
    let picky = || {
        Some(script(|me: &Me, request: &Request| match request {
            Request::Query(Query::Read(_)) => Some(Response::Refused(Refusal::Malformed("no query".into()))),
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::with(4, [(1, picky()), (2, picky())]).await;
    let error = cluster.client().read(vec![]).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused(Refusal::Malformed(_))), "{error}");
}

#[tokio::test]
async fn statuses_come_from_everyone_and_are_checked_for_whose_they_are() {
    let liar = script(|me: &Me, request: &Request| match request {
        Request::Query(Query::Status) => {
            let mut status = common::status(me);
            status.replica = tetrarch_types::ReplicaId::new(0);
            Some(Response::Status(status))
        }
        other => honest(me, other),
    });
    let cluster = Cluster::with(4, [(1, Some(liar)), (2, silent()), (3, None)]).await;
    let statuses = cluster.hasty_client().statuses().await;
    assert!(matches!(statuses[0], Ok(ref status) if status.revision == 3));
    assert!(matches!(statuses[1], Err(Trouble::Invalid(_))));
    assert_eq!(statuses[2], Err(Trouble::Silent));
    assert!(matches!(statuses[3], Err(Trouble::Connection(_))), "{:?}", statuses[3]);
}

#[tokio::test]
async fn the_highest_nonce_is_one_that_an_honest_replica_named() {
    let word = |nonce| {
        Some(script(move |me: &Me, request: &Request| match request {
            Request::Query(Query::Nonce(_)) => Some(Response::Nonce(nonce)),
            other => honest(me, other),
        }))
    };
    let cluster =
        Cluster::with(4, [(0, word(Some(u64::MAX))), (1, word(Some(40))), (2, word(Some(40))), (3, None)]).await;
    let client = cluster.client();
    assert_eq!(client.nonce(client.public_key()).await.unwrap(), Some(40));
}
