//! Clients that behave, and replicas that come and go.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::common::{
    self, any_port, connector, connector_with, free_port, id, listener, read, transaction, until, within,
};
use tetrarch_transport::{
    ClientLimits, ClientListener, Connector, ConnectorConfig, Incoming, ListenerConfig, RequestError,
};
use tetrarch_types::{Answer, Query, Refusal, Request, Response, SeqNum, limits::MAX_CLIENT_FRAME_BYTES};
use tokio::sync::mpsc;

fn answer(bytes: Vec<u8>) -> Response {
    Response::Answer(Answer { executed: SeqNum::new(1_000), bytes })
}

/// Answers every read with its own bytes.
fn serve(mut incoming: mpsc::Receiver<Incoming>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(Incoming { request, responder }) = incoming.recv().await {
            if let Request::Query(Query::Read(bytes)) = request {
                responder.send(answer(bytes));
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_are_answered_out_of_order() {
    let (listener, mut incoming) = listener(any_port(), ClientLimits::default()).await;
    let client = Arc::new(connector(listener.local_address()));
    let ask = |number: u32| {
        let client = client.clone();
        tokio::spawn(async move { client.request(id(0), read(&number.to_le_bytes())).await })
    };
    let asked: Vec<_> = (0..500).map(ask).collect();
    let mut waiting = Vec::new();
    while waiting.len() < 500 {
        waiting.push(within(incoming.recv()).await.unwrap());
    }
    for Incoming { request, responder } in waiting.into_iter().rev() {
        let Request::Query(Query::Read(bytes)) = request else { panic!("a read was sent") };
        assert!(!responder.is_closed());
        responder.send(answer(bytes));
    }
    for (number, response) in (0..500u32).zip(asked) {
        assert_eq!(within(response).await.unwrap().unwrap(), answer(number.to_le_bytes().to_vec()));
    }
    let counters = listener.counters();
    assert_eq!((counters.open, counters.accepted, counters.requests), (1, 1, 500));
    until("all is counted", || listener.counters().responses == 500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_connector_has_connections_of_its_own() {
    let (listener, incoming) = listener(any_port(), ClientLimits::default()).await;
    let _server = serve(incoming);
    let client = connector(listener.local_address());
    let other = client.another().unwrap();
    assert_eq!(within(client.request(id(0), read(b"one"))).await.unwrap(), answer(b"one".to_vec()));
    assert_eq!(listener.counters().accepted, 1, "the other one connects when it has something to ask");
    assert_eq!(within(other.request(id(0), read(b"two"))).await.unwrap(), answer(b"two".to_vec()));
    assert_eq!((listener.counters().open, listener.counters().accepted), (2, 2));
    drop(client);
    until("its connection ends", || listener.counters().open == 1).await;
    assert_eq!(within(other.request(id(0), read(b"three"))).await.unwrap(), answer(b"three".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_request_and_response_pass_and_larger_ones_do_not() {
    let (listener, incoming) = listener(any_port(), ClientLimits::default()).await;
    let _server = serve(incoming);
    let client = connector(listener.local_address());
    let bytes = vec![1; MAX_CLIENT_FRAME_BYTES - 16];
    let response = within(client.request(id(0), read(&bytes))).await.unwrap();
    assert!(response == answer(bytes));

    // As a request it just fits; as an answer, whose batch has a number of two bytes, it no longer does.
    let bytes = vec![1; MAX_CLIENT_FRAME_BYTES - 5];
    assert_eq!(read(&bytes).len(), MAX_CLIENT_FRAME_BYTES);
    let response = within(client.request(id(0), read(&bytes))).await.unwrap();
    assert!(matches!(response, Response::Refused(Refusal::TooLarge { .. })));

    let error = within(client.request(id(0), read(&vec![1; MAX_CLIENT_FRAME_BYTES]))).await.unwrap_err();
    assert!(matches!(error, RequestError::TooLarge { .. }), "{error}");
    let error = within(client.request(id(1), read(b"x"))).await.unwrap_err();
    assert!(matches!(error, RequestError::UnknownReplica { known: 1, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_arrives_as_it_was_sent() {
    let (listener, mut incoming) = listener(any_port(), ClientLimits::default()).await;
    let client = connector(listener.local_address());
    let request = Request::Submit(transaction(1_000_000));
    let asked = tokio::spawn({
        let encoded = Connector::encode(&request);
        async move { client.request(id(0), encoded).await }
    });
    let received = within(incoming.recv()).await.unwrap();
    assert_eq!(received.request, request);
    received.responder.send(Response::Refused(Refusal::Busy));
    assert_eq!(within(asked).await.unwrap().unwrap(), Response::Refused(Refusal::Busy));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_given_up_disturbs_no_other() {
    let (listener, mut incoming) = listener(any_port(), ClientLimits::default()).await;
    let client = connector(listener.local_address());
    let first = tokio::select! {
        answered = client.request(id(0), read(b"given up")) => panic!("nobody answers: {answered:?}"),
        first = within(incoming.recv()) => first.unwrap(),
    };
    first.responder.send(answer(b"too late".to_vec()));
    let server = serve(incoming);
    assert_eq!(within(client.request(id(0), read(b"next"))).await.unwrap(), answer(b"next".to_vec()));
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_finds_a_replica_that_was_restarted() {
    let (first, incoming) = listener(any_port(), ClientLimits::default()).await;
    let address = first.local_address();
    let _server = serve(incoming);
    let client = connector(address);
    within(client.request(id(0), read(b"1"))).await.unwrap();
    first.close().await;
    drop(first);

    let (_second, incoming) = listener(address, ClientLimits::default()).await;
    let _server = serve(incoming);
    // The first try may still meet the end of the old connection.
    let mut response = within(client.request(id(0), read(b"2"))).await;
    if matches!(response, Err(RequestError::Closed { .. })) {
        response = within(client.request(id(0), read(b"2"))).await;
    }
    assert_eq!(response.unwrap(), answer(b"2".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_goes_away_ends_its_requests_and_is_then_unreachable() {
    let (listener, mut incoming) = listener(any_port(), ClientLimits::default()).await;
    let connect_timeout = Duration::from_millis(700);
    let config = ConnectorConfig { connect_timeout, ..ConnectorConfig::default() };
    let client = Arc::new(connector_with(listener.local_address(), config));
    let asked = tokio::spawn({
        let client = client.clone();
        async move { client.request(id(0), read(b"x")).await }
    });
    let waiting = within(incoming.recv()).await.unwrap();
    listener.close().await;
    drop(listener);
    let error = within(asked).await.unwrap().unwrap_err();
    assert!(matches!(&error, RequestError::Closed { reason, .. } if reason.contains("shuts down")), "{error}");
    assert!(waiting.responder.is_closed());
    waiting.responder.send(answer(Vec::new()));

    let mut took = Vec::new();
    // A machine that stands still for a moment does so for one of them.
    while took.iter().all(|took| *took >= connect_timeout * 2) && took.len() < 5 {
        let since = Instant::now();
        let error = within(client.request(id(0), read(b"x"))).await.unwrap_err();
        assert!(matches!(error, RequestError::Unreachable { .. }), "{error}");
        took.push(since.elapsed());
    }
    assert!(took.iter().any(|took| *took < connect_timeout * 2), "it took {took:?}");
}

/// A request that waits for a replica that is down is sent as soon as the replica is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_come_before_the_replica() {
    let address = free_port();
    let client = connector(address);
    let asked = tokio::spawn(async move { client.request(id(0), read(b"early")).await });
    tokio::time::sleep(Duration::from_millis(400)).await;
    let (_listener, incoming) = listener(address, ClientLimits::default()).await;
    let _server = serve(incoming);
    assert_eq!(within(asked).await.unwrap().unwrap(), answer(b"early".to_vec()));
}

/// What a client that was connected to a killed replica hears when it asks the next one at the same address, which must then serve
/// it. A runtime that is dropped stands for the process: now and then it lets a stream's end slip out, as no killed process would.
fn asked_after_a_kill() -> String {
    let address = free_port();
    let (here, there) = (tokio::runtime::Runtime::new().unwrap(), tokio::runtime::Runtime::new().unwrap());
    let first = there.block_on(async {
        let (listener, incoming) = listener(address, ClientLimits::default()).await;
        serve(incoming);
        listener
    });
    let client = here.block_on(async { connector(address) });
    here.block_on(within(client.request(id(0), read(b"1")))).unwrap();
    there.shutdown_timeout(common::PATIENCE);
    drop(first);

    here.block_on(async {
        let (_second, incoming) = listener(address, ClientLimits::default()).await;
        let _server = serve(incoming);
        let since = Instant::now();
        let error = within(client.request(id(0), read(b"2"))).await.unwrap_err();
        assert!(since.elapsed() < Duration::from_secs(3), "it took {:?}", since.elapsed());
        within(client.request(id(0), read(b"2"))).await.unwrap();
        match error {
            RequestError::Closed { reason, .. } => reason,
            other => panic!("ended in another way: {other}"),
        }
    })
}

/// The process is killed: it says no goodbye. The next one tells the client at its next packet.
#[test]
fn a_client_notices_a_killed_replica_when_the_next_one_answers() {
    let heard = (0..10).map(|_| asked_after_a_kill()).find(|reason| !reason.contains("stopped by peer"));
    assert!(heard.as_ref().is_some_and(|reason| reason.contains("restarted")), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_connector_ends_its_requests() {
    let (listener, mut incoming) = listener(any_port(), ClientLimits::default()).await;
    let client = Arc::new(connector(listener.local_address()));
    let asked = tokio::spawn({
        let client = client.clone();
        async move { client.request(id(0), read(b"x")).await }
    });
    let waiting = within(incoming.recv()).await.unwrap();
    client.close().await;
    assert_eq!(within(asked).await.unwrap().unwrap_err(), RequestError::ConnectorClosed);
    assert_eq!(within(client.request(id(0), read(b"x"))).await.unwrap_err(), RequestError::ConnectorClosed);
    until("the replica knows that the client is gone", || waiting.responder.is_closed()).await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let (first, _incoming) = listener(any_port(), ClientLimits::default()).await;
    let (inbound, _) = mpsc::channel(1);
    let config = ListenerConfig { listen: first.local_address(), key: common::key(1), limits: ClientLimits::default() };
    let error = ClientListener::start(config, inbound).await.unwrap_err();
    assert!(error.to_string().contains("already in use"), "{error}");
}

#[test]
fn outside_of_a_runtime_there_is_an_error() {
    let error = Connector::new(Vec::new(), ConnectorConfig::default()).unwrap_err();
    assert!(error.to_string().contains("runtime"), "{error}");
}
