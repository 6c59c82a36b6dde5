//! Clients that want too much.

use std::{sync::Arc, time::Duration};

use crate::common::{
    any_port, connector, connector_with, id, listener, read, relay::relay, rogue::Rogue, until, within,
};
use tetrarch_transport::{ClientLimits, ClientListener, ConnectorConfig, Incoming, RequestError};
use tetrarch_types::{Answer, Response, SeqNum, limits::MAX_CLIENT_FRAME_BYTES};

fn answer(bytes: usize) -> Response {
    Response::Answer(Answer { executed: SeqNum::new(1), bytes: vec![1; bytes] })
}

/// Returns how many had to prove their address.
async fn refused_after(limits: ClientLimits, allowed: usize) -> u64 {
    let (listener, _incoming) = listener(any_port(), limits).await;
    let mut clients = Vec::new();
    for _ in 0..allowed {
        clients.push(Rogue::client(listener.local_address()).await);
    }
    let refused = Rogue::connect(listener.local_address(), None, b"tetrarch-client/1").await.err().unwrap();
    assert!(refused.to_string().contains("refused"), "{refused}");
    let quick = ConnectorConfig { connect_timeout: Duration::from_millis(500), ..ConnectorConfig::default() };
    let connector = connector_with(listener.local_address(), quick);
    let is_told = async || {
        let error = connector.request(id(0), read(b"x")).await.unwrap_err();
        matches!(&error, RequestError::Unreachable { reason, .. } if reason.contains("too many"))
    };
    // On a busy machine one may hear nothing at all so soon.
    within(async { while !is_told().await {} }).await;
    let counters = listener.counters();
    assert!(counters.refused >= 2, "{counters:?}");
    assert_eq!(counters.open, allowed as u64);

    drop(clients.pop());
    until("there is a free place again", || listener.counters().open < allowed as u64).await;
    // An attempt of the one that was refused may still be there first.
    let comes_in = async || Rogue::connect(listener.local_address(), None, b"tetrarch-client/1").await.is_ok();
    within(async { while !comes_in().await {} }).await;
    counters.retried
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited() {
    // One host alone has half of them.
    refused_after(ClientLimits { connections: 8, ..ClientLimits::default() }, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_are_limited() {
    let retried = refused_after(ClientLimits { connections_per_address: 3, ..ClientLimits::default() }, 3).await;
    assert!(retried >= 1);
}

/// QUIC remembers an ended connection for three of its time-outs, which a long way makes long. So does a client that answers late.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_connection_keeps_its_place_until_it_is_forgotten() {
    let limits = ClientLimits { connections_per_address: 1, ..ClientLimits::default() };
    let (listener, _incoming) = listener(any_port(), limits).await;
    let way = relay(any_port(), listener.local_address(), Duration::from_millis(300)).await;
    let client = Rogue::client(way).await;
    let (mut send, _recv) = client.connection.open_bi().await.unwrap();
    send.write_all(&[0xff; 20]).await.unwrap();
    assert_eq!(client.verdict().await.0, 2);
    assert_eq!(listener.counters().open, 1, "it drains");
    assert!(Rogue::connect(listener.local_address(), None, b"tetrarch-client/1").await.is_err(), "another one");
    until("it is forgotten", || listener.counters().open == 0).await;
    Rogue::client(listener.local_address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_client_that_is_gone_keeps_its_place() {
    let (listener, mut incoming) = listener(any_port(), ClientLimits::default()).await;
    let client = Rogue::client(listener.local_address()).await;
    let (mut send, _recv) = client.connection.open_bi().await.unwrap();
    send.write_all(&requests(1)).await.unwrap();
    let asked = within(incoming.recv()).await.unwrap();
    client.connection.close(0u32.into(), b"");
    until("the client is gone", || asked.responder.is_closed()).await;
    // Well behind the time in which QUIC forgets a connection as short as this one.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(listener.counters().open, 1, "the way back to it is still in memory");
    drop(asked);
    until("nothing is left of it", || listener.counters().open == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_are_limited() {
    let limits = ClientLimits { requests_in_flight_per_connection: 3, ..ClientLimits::default() };
    let (listener, mut incoming) = listener(any_port(), limits).await;
    let client = Arc::new(connector(listener.local_address()));
    let asked: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.request(id(0), read(b"x")).await })
        })
        .collect();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(within(incoming.recv()).await.unwrap());
    }
    let fourth = tokio::time::timeout(Duration::from_millis(300), incoming.recv()).await;
    assert!(fourth.is_err(), "a fourth request was read");
    assert_eq!(listener.counters().requests, 3);
    for answered in waiting {
        answered.responder.send(answer(1));
    }
    for _ in 3..10 {
        within(incoming.recv()).await.unwrap().responder.send(answer(1));
    }
    for response in asked {
        assert_eq!(within(response).await.unwrap().unwrap(), answer(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_that_is_dropped_frees_its_place() {
    let limits = ClientLimits { requests_in_flight_per_connection: 1, ..ClientLimits::default() };
    let (listener, mut incoming) = listener(any_port(), limits).await;
    let client = Arc::new(connector(listener.local_address()));
    let unanswered = tokio::spawn({
        let client = client.clone();
        async move { client.request(id(0), read(b"x")).await }
    });
    drop(within(incoming.recv()).await.unwrap());
    let asked = tokio::spawn(async move { client.request(id(0), read(b"x")).await });
    within(incoming.recv()).await.unwrap().responder.send(answer(1));
    assert_eq!(within(asked).await.unwrap().unwrap(), answer(1));
    unanswered.abort();
}

/// The number and the request, as frames, over and over.
fn requests(count: usize) -> Vec<u8> {
    let body = read(b"x");
    let frame = [&u32::try_from(body.len() + 8).unwrap().to_le_bytes(), [7u8; 8].as_slice(), &body].concat();
    frame.repeat(count)
}

async fn assert_cut_off(client: &Rogue) {
    // With its socket's buffer full it may miss the words, and learns of the end when it sends something.
    match within(client.connection.closed()).await {
        quinn::ConnectionError::ApplicationClosed(close) => assert_eq!(close.error_code.into_inner(), 4),
        other => assert_eq!(other, quinn::ConnectionError::Reset),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_take_its_responses_is_cut_off() {
    let limits = ClientLimits { response_bytes_per_connection: 4 * 1024 * 1024, ..ClientLimits::default() };
    let (listener, mut incoming) = listener(any_port(), limits).await;
    let client = Rogue::client(listener.local_address()).await;
    let (mut send, _never_read) = client.connection.open_bi().await.unwrap();
    send.write_all(&requests(40)).await.unwrap();
    for _ in 0..40 {
        within(incoming.recv()).await.unwrap().responder.send(answer(1_000_000));
    }
    assert_cut_off(&client).await;
    assert_eq!(listener.counters().slow, 1);
}

/// Kept by a test: dropped, they would be stopped.
type Streams = (quinn::SendStream, quinn::RecvStream);

/// A client that asks twice, and what it was sent first: more than its window, of which it reads nothing.
async fn stuck(limits: ClientLimits) -> (Rogue, Streams, ClientListener, Incoming) {
    let (listener, mut incoming) = listener(any_port(), limits).await;
    let client = Rogue::client(listener.local_address()).await;
    let mut streams = client.connection.open_bi().await.unwrap();
    streams.0.write_all(&requests(2)).await.unwrap();
    within(incoming.recv()).await.unwrap().responder.send(answer(2_000_000));
    until("the first response is being written", || listener.counters().responses == 1).await;
    let second = within(incoming.recv()).await.unwrap();
    (client, streams, listener, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_written_counts_as_not_taken() {
    let limits = ClientLimits { response_bytes_per_connection: 1024 * 1024, ..ClientLimits::default() };
    let (client, _streams, listener, second) = stuck(limits).await;
    second.responder.send(answer(600_000));
    assert_cut_off(&client).await;
    assert_eq!(listener.counters().slow, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_keeps_alive_and_reads_nothing_is_cut_off() {
    let limits = ClientLimits { idle_timeout: Duration::from_secs(3), ..ClientLimits::default() };
    let (client, _streams, listener, _second) = stuck(limits).await;
    assert_cut_off(&client).await;
    assert_eq!(listener.counters().slow, 1);
}

/// Only Linux has all of 127.0.0.0/8 without being asked.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_moves_remains_the_same_host() {
    let (listener, mut incoming) = listener(any_port(), ClientLimits::default()).await;
    let client = Rogue::client(listener.local_address()).await;
    let mut streams = client.connection.open_bi().await.unwrap();
    streams.0.write_all(&requests(1)).await.unwrap();
    let before = within(incoming.recv()).await.unwrap();
    client.moves_to(([127, 0, 0, 2], 0).into());
    streams.0.write_all(&requests(1)).await.unwrap();
    let after = within(incoming.recv()).await.unwrap();
    assert_eq!(before.responder.host(), after.responder.host());
    after.responder.send(answer(1));
    let mut length = [0; 4];
    within(streams.1.read_exact(&mut length)).await.unwrap();
}

/// Half a frame, which announces so many bytes, with an encoding that takes them.
fn begun(bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let body = read(&vec![1; bytes]);
    let frame = [&u32::try_from(body.len() + 8).unwrap().to_le_bytes(), [7u8; 8].as_slice(), &body].concat();
    let (begins, ends) = frame.split_at(frame.len() / 2);
    (begins.to_vec(), ends.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_keeps_alive_and_does_not_end_its_request_is_cut_off() {
    let limits = ClientLimits { idle_timeout: Duration::from_secs(3), ..ClientLimits::default() };
    let (listener, _incoming) = listener(any_port(), limits).await;
    let client = Rogue::client(listener.local_address()).await;
    let mut streams = client.connection.open_bi().await.unwrap();
    streams.0.write_all(&begun(1_000).0).await.unwrap();
    assert_cut_off(&client).await;
    assert_eq!(listener.counters().slow, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_request_has_longer() {
    let limits = ClientLimits { idle_timeout: Duration::from_secs(3), ..ClientLimits::default() };
    let (listener, mut incoming) = listener(any_port(), limits).await;
    let client = Rogue::client(listener.local_address()).await;
    let (begins, ends) = begun(1_000_000);
    let mut streams = client.connection.open_bi().await.unwrap();
    streams.0.write_all(&begins).await.unwrap();
    tokio::time::sleep(2 * limits.idle_timeout).await;
    streams.0.write_all(&ends).await.unwrap();
    within(incoming.recv()).await.unwrap();
}

async fn assert_malformed(what: &str, bytes: &[u8]) {
    let (listener, _incoming) = listener(any_port(), ClientLimits::default()).await;
    let client = Rogue::client(listener.local_address()).await;
    let (mut send, _recv) = client.connection.open_bi().await.unwrap();
    send.write_all(bytes).await.unwrap();
    let (code, reason) = client.verdict().await;
    assert_eq!(code, 2, "{what}: {reason}");
    assert_eq!((listener.counters().malformed, listener.counters().requests), (1, 0), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_closes_the_connection() {
    assert_malformed("garbage", &[20, 0, 0, 0].iter().copied().chain([0xff; 20]).collect::<Vec<_>>()).await;
    assert_malformed("no number", &[3, 0, 0, 0, 1, 2, 3]).await;
    let large = u32::try_from(MAX_CLIENT_FRAME_BYTES + 9).unwrap();
    assert_malformed("a length above the limit", &large.to_le_bytes()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_one_stream() {
    let (listener, _incoming) = listener(any_port(), ClientLimits::default()).await;
    let client = Rogue::client(listener.local_address()).await;
    let (mut send, _recv) = client.connection.open_bi().await.unwrap();
    send.write_all(&requests(1)).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(200), client.connection.open_bi()).await.is_err());
    assert!(tokio::time::timeout(Duration::from_millis(200), client.connection.open_uni()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_forgotten() {
    let limits = ClientLimits { idle_timeout: Duration::from_millis(300), ..ClientLimits::default() };
    let (listener, mut incoming) = listener(any_port(), limits).await;
    let quick = ConnectorConfig { keep_alive: Duration::from_secs(60), ..ConnectorConfig::default() };
    let client = Arc::new(connector_with(listener.local_address(), quick));
    let asked = tokio::spawn(async move { client.request(id(0), read(b"x")).await });
    // As long as somebody might answer, the connection is in memory.
    drop(within(incoming.recv()).await.unwrap());
    until("it is forgotten", || listener.counters().open == 0).await;
    let error = within(asked).await.unwrap().unwrap_err();
    assert!(matches!(&error, RequestError::Closed { reason, .. } if reason.contains("no longer answers")), "{error}");
}
