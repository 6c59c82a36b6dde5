//! One replica alone, for development: it orders, remembers and answers.

use std::time::Duration;

use crate::support::{Chain, eventually, wall};
use tetrarch_crypto::{Digest, Ed25519, Signature};
use tetrarch_kv::{Command, KvQuery, QueryResult};
use tetrarch_types::{
    NodeMode, Parameters, Query, Refusal, ReplyCertificate, Request, Response, SeqNum, limits::MAX_QUESTION_BYTES,
};

#[tokio::test(flavor = "multi_thread")]
async fn orders_and_remembers_across_a_restart() {
    let chain = Chain::new(1);
    let mut client = chain.client();
    let node = chain.init().start(0).await;
    for round in 0..20 {
        client.put(&format!("k{round}"), "before").await;
    }
    let before = node.status();
    assert_eq!((before.revision, before.mode.clone()), (21, NodeMode::Normal));
    node.shutdown().await;

    let node = chain.start(0).await;
    let after = node.status();
    assert_eq!((after.executed, after.revision), (before.executed, before.revision));
    let client = chain.client();
    assert_eq!(client.read(0, "k7").await.records[0].1.value, b"before");
    assert_eq!(client.status(0).await.revision, 21);

    let mut client = chain.client();
    client.nonce = 20;
    client.put("k7", "after").await;
    assert_eq!(client.read(0, "k7").await.records[0].1.value, b"after");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_at_once() {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    let client = std::sync::Arc::new(chain.client());
    let mut all = tokio::task::JoinSet::new();
    for nonce in 1..=500_u64 {
        let client = std::sync::Arc::clone(&client);
        all.spawn(async move {
            let transaction = client.sign(nonce, Command::put(format!("k{nonce}"), "v").encode());
            client.submit(&transaction).await
        });
    }
    assert_eq!(all.join_all().await.len(), 500);
    let counters = node.counters();
    assert_eq!(counters["transactions_executed"], 500);
    assert!(counters["journal_writes"] < counters["records"] + 1);
    assert!(counters["batches_executed"] < 500, "transactions that wait together share a batch: {counters:?}");
    node.shutdown().await;
}

/// A client follows the state: it asks behind the batch that the last answer named, and hears of the next one as it comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_waits_for_what_is_executed_next() {
    let chain = Chain::new(1);
    let (mut client, follower) = (chain.client(), chain.client());
    let node = chain.init().start(0).await;
    client.put("k", "0").await;
    let question = KvQuery::get("k").encode();
    let ask = |executed| Request::Query(Query::ReadAfter { executed, question: question.clone() });
    let mut executed = SeqNum::ZERO;
    for round in 0..20 {
        let Response::Answer(answer) = follower.ask(0, &ask(executed)).await else { panic!("it is executed") };
        let told = QueryResult::decode(&answer.bytes).unwrap().selection().unwrap();
        assert_eq!(told.records[0].1.value, round.to_string().into_bytes());
        assert!(answer.executed > executed);
        executed = answer.executed;
        let waits = ask(executed);
        let next = follower.ask(0, &waits);
        tokio::pin!(next);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut next).await.is_err(), "nothing is behind it");
        client.put("k", &(round + 1).to_string()).await;
        let Response::Answer(answer) = next.await else { panic!("it is executed") };
        assert!(answer.executed > executed);
    }
    let waits = ask(SeqNum::new(u64::MAX));
    let last = tokio::spawn(async move { tokio::time::timeout(Duration::from_secs(5), follower.ask(0, &waits)).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = std::time::Instant::now();
    node.shutdown().await;
    assert!(before.elapsed() < Duration::from_secs(5), "whoever waits does not hold the node up");
    last.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retransmission_is_answered_from_the_reply_cache() {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    let mut client = chain.client();
    let first = client.put("k", "v").await;
    let again = client.sign(1, Command::put("k", "v").encode());
    let executed = node.status().executed;

    // The same body, signed with another end of validity, is another transaction; its nonce is spent.
    assert_eq!(client.refusal(0, again).await, Refusal::NonceSpent { nonce: 1 });
    match client.ask(0, &Request::Query(Query::Reply(first.transaction))).await {
        Response::Reply(reply) => assert_eq!(reply, first),
        other => panic!("{other:?}"),
    }
    let Response::Transaction(whole) = client.ask(0, &Request::Query(Query::Transaction(first.transaction))).await
    else {
        panic!("the ledger has it")
    };
    assert_eq!(client.submit(&whole).await, first);
    assert_eq!(node.status().executed, executed);

    let certificate = ReplyCertificate {
        transaction: whole,
        outcome: first.outcome,
        seq: first.results.seq(),
        path: first.path,
        votes: vec![(first.results.signer(), first.results.signature())],
        tentative: None,
    };
    certificate.check(&chain.genesis.membership(), &Ed25519).unwrap();
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_ordered_is_refused_with_the_reason() {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    let client = chain.client();
    let put = Command::put("k", "v").encode();

    let mut forged = client.sign(1, put.clone());
    forged.signature = Signature::from_bytes([1; 64]);
    assert_eq!(client.refusal(0, forged).await, Refusal::BadSignature);

    let mut foreign = client.sign(1, put.clone());
    foreign.body.chain = Digest::from_bytes([3; 32]);
    assert!(
        matches!(client.refusal(0, foreign).await, Refusal::WrongChain { theirs, .. } if theirs == Digest::from_bytes([3; 32]))
    );

    assert!(matches!(client.refusal(0, client.sign(1, b"gibberish".to_vec())).await, Refusal::Malformed(_)));

    let early = wall();
    assert_eq!(client.refusal(0, client.sign_until(1, put.clone(), early)).await, Refusal::Expired);
    let late = wall().plus(Duration::from_secs(2 * 3600));
    assert_eq!(client.refusal(0, client.sign_until(1, put, late)).await, Refusal::ValidTooLong);
    assert_eq!(node.status().executed, SeqNum::ZERO);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_about_a_sender() {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    let mut client = chain.client();
    let nonce = Request::Query(Query::Nonce(client.public_key()));
    assert_eq!(client.ask(0, &nonce).await, Response::Nonce(None));
    client.put("k", "v").await;
    assert_eq!(client.ask(0, &nonce).await, Response::Nonce(Some(1)));
    let unreadable = Request::Query(Query::Read(b"gibberish".to_vec()));
    assert!(matches!(client.ask(0, &unreadable).await, Response::Refused(Refusal::Malformed(_))));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_is_longer_than_thousands_of_them_may_be() {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    let client = chain.client();
    let longest = Request::Query(Query::Read(vec![255; MAX_QUESTION_BYTES]));
    assert!(matches!(client.ask(0, &longest).await, Response::Refused(Refusal::Malformed(_))), "that one is looked at");
    let question = vec![0; MAX_QUESTION_BYTES + 1];
    for query in [
        Query::Read(question.clone()),
        Query::ReadStale(question.clone()),
        Query::ReadAfter { executed: SeqNum::new(9), question: question.clone() },
        Query::Prove { table: "kv.records".to_owned(), key: question },
    ] {
        let response = client.ask(0, &Request::Query(query)).await;
        let is_refused =
            |it| matches!(it, Response::Refused(Refusal::TooLarge { limit, .. }) if limit == MAX_QUESTION_BYTES as u64);
        assert!(is_refused(response), "none may wait that is so large");
    }
    node.shutdown().await;
}

/// More than are answered at once.
#[tokio::test(flavor = "multi_thread")]
async fn many_questions_at_once_wait_for_their_turn() {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    let mut client = chain.client();
    client.put("k", "v").await;
    let client = std::sync::Arc::new(client);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let client = std::sync::Arc::clone(&client);
        all.spawn(async move { client.read(0, "k").await.records[0].1.value == b"v" });
    }
    assert_eq!(all.join_all().await, vec![true; 500]);
    assert_eq!(node.counters()["busy"], 0, "nobody is sent away");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_become_stable() {
    let chain = Chain::with(1, Parameters { checkpoint_interval: 4, window: 8 });
    let node = chain.init().start(0).await;
    let mut client = chain.client();
    for round in 0..10 {
        client.put(&format!("k{round}"), "v").await;
    }
    eventually("a stable checkpoint", || node.status().stable_checkpoint >= SeqNum::new(8)).await;
    assert_ne!(node.status().state_root, Digest::ZERO);
    node.shutdown().await;
}
