//! A submission is answered by q matching replies, and by nothing less.

use std::time::{Duration, Instant};

use crate::common::{
    self, Cluster, OPTIONS, answering, honest, ids, ok, refusing, reply, reply_at, script, signed, silent, status,
};
use tetrarch_client::{ClientError, ClientOptions, Trouble};
use tetrarch_crypto::{Digest, Ed25519, Signature};
use tetrarch_types::{Outcome, Query, Refusal, ReplicaId, Request, Response, SeqNum};

type Lie = fn(&common::Me, tetrarch_types::TransactionId) -> Option<Response>;

/// Every way in which a replica's reply can be wrong.
const LIES: &[(&str, Lie)] = &[
    ("another outcome", |me, id| Some(Response::Reply(reply(me, id, &Outcome::Executed(b"lie".to_vec()))))),
    ("another sequence number", |me, id| Some(Response::Reply(reply_at(me, id, &ok(), SeqNum::new(8))))),
    ("an outcome that the path does not lead from", |me, id| {
        let mut reply = reply(me, id, &ok());
        reply.outcome = Outcome::Executed(b"lie".to_vec());
        Some(Response::Reply(reply))
    }),
    ("a root that the path does not lead to", |me, id| {
        let mut reply = reply(me, id, &ok());
        signed(&mut reply).payload.root = Digest::ZERO;
        Some(Response::Reply(reply))
    }),
    ("a broken signature", |me, id| {
        let mut reply = reply(me, id, &ok());
        signed(&mut reply).signature = Signature::from_bytes([7; 64]);
        Some(Response::Reply(reply))
    }),
    ("another replica's name", |me, id| {
        let mut reply = reply(me, id, &ok());
        signed(&mut reply).signer = ReplicaId::new((me.id.get() + 1) % 4);
        Some(Response::Reply(reply))
    }),
    ("another replica's signed reply", |me, id| {
        let index = (me.id.index() + 1) % 4;
        let other = common::Me { id: ReplicaId::new(index as u16), key: common::key(index), ..me.clone() };
        Some(Response::Reply(reply(&other, id, &ok())))
    }),
    ("a stranger's name", |me, id| {
        let mut reply = reply(me, id, &ok());
        signed(&mut reply).signer = ReplicaId::new(60_000);
        Some(Response::Reply(reply))
    }),
    ("a reply to another transaction", |me, _| {
        Some(Response::Reply(reply(me, tetrarch_types::TransactionId::new(Digest::ZERO), &ok())))
    }),
    ("an answer of another kind", |_, _| Some(Response::Nonce(Some(1)))),
    ("its status", |me, _| Some(Response::Status(status(me)))),
    ("a false refusal", |_, _| Some(Response::Refused(Refusal::BadSignature))),
    ("a false spent nonce", |_, _| Some(Response::Refused(Refusal::NonceSpent { nonce: 0 }))),
    ("nothing", |_, _| None),
];

#[tokio::test]
async fn a_submission_is_answered_at_a_quorum_with_a_proof() {
    let cluster = Cluster::with(4, []).await;
    let client = cluster.client();
    let submitted = client.submit(b"command".to_vec()).await.unwrap();
    assert_eq!((submitted.outcome, submitted.seq, submitted.needed), (ok(), SeqNum::new(7), 3));
    assert!(submitted.replicas.len() >= 3 && submitted.replicas.is_sorted());
    submitted.certificate.check(&cluster.genesis.membership(), &Ed25519).unwrap();
    assert_eq!(submitted.certificate.transaction.id(), submitted.transaction);
    client.close().await;
}

#[tokio::test]
async fn a_client_with_its_own_connections_outlives_the_one_it_came_from() {
    let cluster = Cluster::with(4, []).await;
    // One of them waits for an answer that does not come.
    let first = cluster.client_with(ClientOptions { timeout: Duration::from_secs(5), ..OPTIONS });
    let key = || tetrarch_crypto::SigningKey::from_seed([201; 32]);
    let (alike, apart) = (first.with_key(key()), first.with_key(key()).with_own_connections().unwrap());
    first.close().await;
    assert!(alike.submit(b"command".to_vec()).await.is_err(), "closed with the first");
    assert_eq!(apart.submit(b"command".to_vec()).await.unwrap().outcome, ok());
}

#[tokio::test]
async fn one_liar_of_any_kind_changes_nothing() {
    for (name, lie) in LIES {
        let cluster = Cluster::with(4, [(1, answering(*lie))]).await;
        let started = Instant::now();
        let submitted = cluster.client().submit(b"command".to_vec()).await.unwrap();
        assert_eq!((submitted.outcome, submitted.replicas), (ok(), ids([0, 2, 3])), "{name}");
        assert!(started.elapsed() < OPTIONS.timeout / 2, "{name} stalls");
    }
}

#[tokio::test]
async fn two_liars_together_are_not_believed_either() {
    let mut cases = tokio::task::JoinSet::new();
    for (name, lie) in LIES.iter().filter(|(name, _)| !name.starts_with("a false")) {
        cases.spawn(async move {
            let cluster = Cluster::with(4, [(1, answering(*lie)), (3, answering(*lie))]).await;
            let error = cluster.hasty_client().submit(b"command".to_vec()).await.unwrap_err();
            assert!(matches!(error, ClientError::NoQuorum(_)), "{name}: {error}");
        });
    }
    cases.join_all().await;
}

#[tokio::test]
async fn a_replica_that_is_down_is_not_needed() {
    let cluster = Cluster::with(4, [(0, None)]).await;
    let submitted = cluster.client().submit(b"command".to_vec()).await.unwrap();
    assert_eq!(submitted.replicas, ids([1, 2, 3]));
}

#[tokio::test]
async fn without_a_quorum_the_error_says_who_answers_and_who_does_not() {
    let dead = || answering(|_, _| None);
    let cluster = Cluster::with(4, [(0, dead()), (1, dead()), (2, None), (3, silent())]).await;
    let transaction = cluster.client().sign_with_nonce(b"command".to_vec(), 1).unwrap();
    let error = cluster.hasty_client().submit_signed(transaction.clone()).await.unwrap_err();
    let ClientError::NoQuorum(report) = &error else { panic!("{error}") };
    assert_eq!((report.needed, report.n, report.transaction), (3, 4, Some(transaction.id())));
    assert_eq!(report.answered, ids([0, 1]));
    assert_eq!(report.troubles.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids([2, 3]));
    assert_eq!(report.troubles[1].1, Trouble::Silent);
    let sentence = error.to_string();
    assert!(
        sentence.starts_with("3 of 4 replicas are needed to decide this and 2 answer (0, 1 answer; 2: "),
        "{sentence}"
    );
    assert!(sentence.contains("; start the others or wait: nothing is lost"), "{sentence}");
}

#[tokio::test]
async fn a_cluster_that_is_alive_and_undecided_is_told_apart() {
    let stuck = || answering(|_, _| None);
    let cluster = Cluster::with(4, (0..4).map(|index| (index, stuck()))).await;
    let client = cluster.hasty_client();
    let error = client.submit_signed(client.sign_with_nonce(vec![1], 1).unwrap()).await.unwrap_err().to_string();
    assert!(error.starts_with("4 of 4 replicas answer, but 3 matching answers did not come in "), "{error}");
}

#[tokio::test]
async fn when_nobody_is_there_that_is_said() {
    let cluster = Cluster::with(4, (0..4).map(|index| (index, None))).await;
    let error = cluster.hasty_client().submit(vec![1]).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn a_refusal_is_believed_when_f_plus_one_give_the_same() {
    let expired = || refusing(Refusal::Expired);
    let cluster = Cluster::with(4, [(0, expired()), (2, expired()), (3, silent())]).await;
    let client = cluster.client();
    let started = Instant::now();
    let error = client.submit_signed(client.sign_with_nonce(vec![1], 1).unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused(Refusal::Expired)), "{error}");
    assert!(started.elapsed() < OPTIONS.timeout / 2, "a final refusal needs no waiting");
}

#[tokio::test]
async fn different_refusals_are_not_added_up() {
    let cluster = Cluster::with(4, [(0, refusing(Refusal::Expired)), (1, refusing(Refusal::BadSignature))]).await;
    let client = cluster.hasty_client();
    let error = client.submit_signed(client.sign_with_nonce(vec![1], 1).unwrap()).await.unwrap_err();
    assert!(matches!(error, ClientError::NoQuorum(_)), "{error}");
}

#[tokio::test]
async fn who_was_busy_is_asked_again() {
    let busy_at_first = || {
        Some(script(|me: &common::Me, request: &Request| match request {
            Request::Submit(_) if me.count < 2 => Some(Response::Refused(Refusal::Busy)),
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::with(4, [(0, busy_at_first()), (1, busy_at_first()), (2, busy_at_first())]).await;
    let client = cluster.client();
    client.submit_signed(client.sign_with_nonce(vec![1], 1).unwrap()).await.unwrap();
}

/// Rule R-6: which of two transactions gets the nonce is not decided, so the command is not signed anew; both could execute.
#[tokio::test]
async fn while_a_nonce_is_contested_the_same_transaction_is_sent_again() {
    let contested_at_first = || {
        Some(script(|me: &common::Me, request: &Request| match request {
            Request::Submit(transaction) if me.count < 3 => {
                Some(Response::Refused(Refusal::NonceContested { nonce: transaction.body.nonce }))
            }
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::with(4, (0..4).map(|index| (index, contested_at_first()))).await;
    let client = cluster.client();
    let transaction = client.sign_with_nonce(vec![1], 1).unwrap();
    let submitted = client.submit_signed(transaction.clone()).await.unwrap();
    assert_eq!(submitted.transaction, transaction.id());
}

/// Rule R-6: nobody knows any more whether it executed, so the command is not signed anew.
#[tokio::test]
async fn a_forgotten_nonce_is_told_and_not_replaced() {
    let forgotten = || {
        Some(script(|me: &common::Me, request: &Request| match request {
            Request::Submit(transaction) => {
                Some(Response::Refused(Refusal::NonceForgotten { nonce: transaction.body.nonce }))
            }
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::with(4, (0..4).map(|index| (index, forgotten()))).await;
    let error = cluster.client().submit(vec![1]).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused(Refusal::NonceForgotten { .. })), "{error}");
    assert!(error.to_string().contains("may have executed or not"), "{error}");
}

#[tokio::test]
async fn who_was_silent_is_asked_again() {
    let deaf_at_first = || {
        Some(script(|me: &common::Me, request: &Request| match request {
            Request::Submit(_) if me.count == 0 => None,
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::with(4, (0..4).map(|index| (index, deaf_at_first()))).await;
    let client = cluster.client();
    client.submit_signed(client.sign_with_nonce(vec![1], 1).unwrap()).await.unwrap();
}

#[tokio::test]
async fn transactions_that_nobody_would_accept_are_not_sent() {
    let cluster = Cluster::with(4, []).await;
    let client = cluster.client();
    let mut forged = client.sign_with_nonce(vec![1], 1).unwrap();
    forged.body.command = vec![2];
    assert!(matches!(client.submit_signed(forged).await, Err(ClientError::Unacceptable(_))));
    let mut foreign = client.sign_with_nonce(vec![1], 1).unwrap();
    foreign.body.chain = Digest::ZERO;
    assert!(matches!(client.submit_signed(foreign).await, Err(ClientError::WrongChain { .. })));
    let large = vec![0; tetrarch_types::limits::MAX_COMMAND_BYTES + 1];
    assert!(matches!(client.submit(large).await, Err(ClientError::Refused(Refusal::TooLarge { .. }))));
    assert!(cluster.sent_to(0).is_empty());
}

#[tokio::test]
async fn a_liar_cannot_choose_the_nonces() {
    for word in [Some(u64::MAX), None, Some(0)] {
        let liar = script(move |me, request| match request {
            Request::Query(Query::Nonce(_)) => Some(Response::Nonce(word)),
            other => honest(me, other),
        });
        let cluster = Cluster::with(4, [(2, Some(liar))]).await;
        let transaction = cluster.client().sign(vec![1]).await.unwrap();
        assert!((11..11 + 256).contains(&transaction.body.nonce), "{}", transaction.body.nonce);
    }
}

#[tokio::test]
async fn a_nonce_that_another_process_used_is_replaced_by_a_higher_one() {
    // Whatever is at most 500 is spent: more than the replicas admitted when they were first asked.
    let picky = || {
        Some(script(|me: &common::Me, request: &Request| match request {
            Request::Submit(transaction) if transaction.body.nonce <= 500 => {
                Some(Response::Refused(Refusal::NonceSpent { nonce: transaction.body.nonce }))
            }
            Request::Query(Query::Nonce(_)) if me.count > 0 => Some(Response::Nonce(Some(500))),
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::with(4, (0..4).map(|index| (index, picky()))).await;
    let submitted = cluster.client().submit(vec![1]).await.unwrap();
    assert!(submitted.certificate.transaction.body.nonce > 500);
}

#[tokio::test]
async fn a_key_whose_nonces_are_always_spent_is_given_up() {
    let spent = || {
        Some(script(|me: &common::Me, request: &Request| match request {
            Request::Submit(transaction) => {
                Some(Response::Refused(Refusal::NonceSpent { nonce: transaction.body.nonce }))
            }
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::with(4, (0..4).map(|index| (index, spent()))).await;
    let error = cluster.client().submit(vec![1]).await.unwrap_err();
    assert!(matches!(error, ClientError::NonceContention { .. }), "{error}");
}

#[tokio::test]
async fn many_at_once_get_different_nonces() {
    let cluster = Cluster::with(4, []).await;
    let client = std::sync::Arc::new(cluster.client());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let client = std::sync::Arc::clone(&client);
        tasks.spawn(async move { client.submit(vec![number]).await.unwrap().certificate.transaction.body.nonce });
    }
    let mut nonces = tasks.join_all().await;
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 40);
}

#[tokio::test]
async fn one_replica_alone_is_a_cluster_for_development() {
    let cluster = Cluster::with(1, []).await;
    let submitted = cluster.client().submit(vec![1]).await.unwrap();
    assert_eq!((submitted.replicas, submitted.needed), (ids([0]), 1));
}
