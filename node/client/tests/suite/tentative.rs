//! Replies before the decision (rule X-3): q of one view are an answer and a proof, and nothing less is.

use crate::common::{self, Cluster, Script, honest, ids, ok, reply, script, silent, tentative_reply};
use tetrarch_client::{Client, ClientError, Submitted, receipt_from_json, receipt_to_json};
use tetrarch_crypto::Ed25519;
use tetrarch_types::{Outcome, Query, Refusal, Request, Response, View};

/// A replica in which everything is prepared in this view, and decided when it is asked again.
fn prepared_in(view: u64) -> Option<Script> {
    prepared_until(view, 1)
}

fn prepared_until(view: u64, asked: usize) -> Option<Script> {
    Some(script(move |me: &common::Me, request: &Request| match request {
        Request::Submit(transaction) if me.count < asked => {
            Some(Response::Reply(tentative_reply(me, transaction.id(), &ok(), View::new(view))))
        }
        other => honest(me, other),
    }))
}

fn always_prepared_in(view: u64) -> Option<Script> {
    prepared_until(view, usize::MAX)
}

async fn submit(cluster: &Cluster) -> Result<Submitted, ClientError> {
    submit_with(&cluster.client()).await
}

async fn submit_with(client: &Client) -> Result<Submitted, ClientError> {
    client.submit_signed(client.sign_with_nonce(b"command".to_vec(), 1).unwrap()).await
}

/// Why there is no answer, however long it is waited for.
async fn unanswered(cluster: &Cluster) -> ClientError {
    submit_with(&cluster.hasty_client()).await.unwrap_err()
}

#[tokio::test]
async fn a_quorum_of_one_view_is_an_answer_with_a_proof() {
    let cluster = Cluster::with(4, (0..3).map(|it| (it, always_prepared_in(5))).chain([(3, silent())])).await;
    let submitted = submit(&cluster).await.unwrap();
    assert_eq!((submitted.outcome, submitted.replicas), (ok(), ids([0, 1, 2])));
    let membership = cluster.genesis.membership();
    let receipt = submitted.certificate;
    receipt.check(&membership, &Ed25519).unwrap();
    assert_eq!((receipt.needed(&membership), receipt.signers()), (3, ids([0, 1, 2])));
    assert_eq!(receipt.tentative.as_ref().unwrap().view, View::new(5));
    assert_eq!(receipt_from_json(&receipt_to_json(&receipt)).unwrap(), receipt);
}

#[tokio::test]
async fn replies_of_two_views_are_not_added_up() {
    let others = [(0, always_prepared_in(0)), (1, always_prepared_in(1)), (2, always_prepared_in(0)), (3, silent())];
    let error = unanswered(&Cluster::with(4, others).await).await;
    assert!(matches!(error, ClientError::NoQuorum(_)), "{error}");
}

#[tokio::test]
async fn whoever_calls_it_decided_counts_beside_those_of_one_view() {
    let others = [(0, None), (1, always_prepared_in(4)), (2, always_prepared_in(4))];
    let receipt = submit(&Cluster::with(4, others).await).await.unwrap().certificate;
    let tentative = receipt.tentative.clone().unwrap();
    assert_eq!((receipt.votes.len(), tentative.votes.len(), receipt.signers()), (1, 2, ids([1, 2, 3])));

    // Two of four decide the matter for others: the third signature is left out of the proof.
    let cluster = Cluster::with(4, [(0, None), (1, always_prepared_in(4))]).await;
    let receipt = submit(&cluster).await.unwrap().certificate;
    assert_eq!((receipt.votes.len(), receipt.tentative.clone()), (2, None));
    receipt.check(&cluster.genesis.membership(), &Ed25519).unwrap();
}

#[tokio::test]
async fn who_answered_tentatively_is_asked_again() {
    let others = [(0, prepared_in(0)), (1, prepared_in(1)), (2, prepared_in(2)), (3, silent())];
    let submitted = submit(&Cluster::with(4, others).await).await.unwrap();
    assert_eq!((submitted.replicas, submitted.certificate.tentative), (ids([0, 1, 2]), None));
}

#[tokio::test]
async fn a_tentative_reply_outlives_silence_and_no_refusal() {
    // Prepared in view 3, then busy for good: the word given stands.
    let then = |refusal: Refusal| {
        Some(script(move |me: &common::Me, request: &Request| match request {
            Request::Submit(transaction) if me.count == 0 => {
                Some(Response::Reply(tentative_reply(me, transaction.id(), &ok(), View::new(3))))
            }
            _ => Some(Response::Refused(refusal.clone())),
        }))
    };
    let late = || {
        Some(script(|me: &common::Me, request: &Request| match request {
            Request::Submit(transaction) if me.count > 0 => {
                Some(Response::Reply(tentative_reply(me, transaction.id(), &ok(), View::new(3))))
            }
            _ => None,
        }))
    };
    let others = |refusal: Refusal| [(0, then(refusal.clone())), (1, late()), (2, late()), (3, silent())];
    let submitted = submit(&Cluster::with(4, others(Refusal::Busy)).await).await.unwrap();
    assert_eq!(submitted.replicas, ids([0, 1, 2]));
    // What it calls expired now it does not call prepared any more.
    let error = unanswered(&Cluster::with(4, others(Refusal::Expired)).await).await;
    assert!(matches!(error, ClientError::NoQuorum(_)), "{error}");
}

/// f + 1 refuse, which is final unless as many know better: one of those is honest, and the others forgot.
#[tokio::test]
async fn f_plus_one_that_prepared_it_outweigh_as_many_that_refuse_it() {
    let late_refusal = || {
        Some(script(|me: &common::Me, request: &Request| match request {
            Request::Submit(_) if me.count == 0 => None,
            _ => Some(Response::Refused(Refusal::Expired)),
        }))
    };
    let others =
        |view| [(0, late_refusal()), (1, late_refusal()), (2, always_prepared_in(0)), (3, always_prepared_in(view))];
    let error = unanswered(&Cluster::with(4, others(0)).await).await;
    assert!(matches!(error, ClientError::NoQuorum(_)), "{error}");
    let error = submit(&Cluster::with(4, others(1)).await).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused(Refusal::Expired)), "{error}");
}

/// Whoever looks a transaction up is content with f + 1, so what is prepared does not count there.
#[tokio::test]
async fn looked_up_is_what_is_decided() {
    let tells = |outcome: fn() -> Outcome| {
        Some(script(move |me: &common::Me, request: &Request| match request {
            Request::Query(Query::Reply(id)) => Some(Response::Reply(tentative_reply(me, *id, &outcome(), View::ZERO))),
            other => honest(me, other),
        }))
    };
    let cluster = Cluster::with(4, (0..4).map(|it| (it, tells(ok)))).await;
    let (patient, client) = (cluster.client(), cluster.hasty_client());
    let id = submit_with(&patient).await.unwrap().transaction;
    let (known, receipt) = (client.reply(id).await, client.receipt(id).await);
    assert!(matches!(known, Err(ClientError::NoQuorum(_))), "{known:?}");
    assert!(matches!(receipt, Err(ClientError::NoQuorum(_))), "{receipt:?}");

    let one_of_them = Some(script(|me: &common::Me, request: &Request| match request {
        Request::Query(Query::Reply(id)) => Some(Response::Reply(reply(me, *id, &ok()))),
        other => honest(me, other),
    }));
    let mut others: Vec<_> = (0..4).map(|it| (it, tells(ok))).collect();
    others[2] = (2, one_of_them);
    let cluster = Cluster::with(4, others).await;
    let (patient, client) = (cluster.client(), cluster.hasty_client());
    let id = submit_with(&patient).await.unwrap().transaction;
    assert!(matches!(client.receipt(id).await, Err(ClientError::NoQuorum(_))), "one is no proof");
}
