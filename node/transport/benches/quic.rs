//! What QUIC costs over loopback, encryption and framing included: a client's round trips to a replica, one at a time and many, and the frames
//! that one replica gets across to another. Most of it is waiting, so time is the wall's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot set its scene has failed")]

#[path = "../tests/suite/common/mod.rs"]
#[allow(dead_code, reason = "it serves the tests, and this uses some of it")]
mod common;

use std::sync::Arc;

use common::{Peer, any_port, cluster, commit, connector, id, listener, read, supply};
use tetrarch_stopwatch::{BenchmarkId, Throughput, Wall, wall};
use tetrarch_transport::{ClientLimits, ClientListener, Connector, Incoming, Peers};
use tetrarch_types::{Answer, Lane, Message, Query, Request, Response, SeqNum};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Bytes of a request, which are those of its answer.
const BYTES: [usize; 3] = [256, 4_096, 262_144];
const TOGETHER: [usize; 3] = [1, 16, 256];

/// Frames on their way at a time: fewer than a queue holds.
const VOTES: usize = 1_000;
const BULK: usize = 8;

fn main() {
    let runtime = Runtime::new().unwrap();
    let mut times = wall();
    round_trips(&mut times, &runtime);
    requests(&mut times, &runtime);
    frames(&mut times, &runtime, "votes", &vec![commit(1); VOTES]);
    // As a primary sends a batch's bodies: a thousand of 256 bytes.
    frames(&mut times, &runtime, "bulk", &vec![supply(1_000, 256); BULK]);
}

/// One request at a time: its latency.
fn round_trips(times: &mut Wall, runtime: &Runtime) {
    let (_listener, client) = runtime.block_on(served());
    let mut group = times.benchmark_group("round_trip");
    for bytes in BYTES {
        let question = vec![7; bytes];
        group.bench_function(BenchmarkId::from_parameter(bytes), |bench| {
            bench.iter(|| runtime.block_on(ask(&client, &question)));
        });
    }
}

/// Many at a time over one connection: how many a second.
fn requests(times: &mut Wall, runtime: &Runtime) {
    let (_listener, client) = runtime.block_on(served());
    let mut group = times.benchmark_group("requests_at_a_time");
    for together in TOGETHER {
        group.throughput(Throughput::Elements(together as u64));
        group.bench_function(BenchmarkId::from_parameter(together), |bench| {
            bench.iter(|| runtime.block_on(ask_together(&client, together)));
        });
    }
}

/// From one replica to another: how many a second.
fn frames(times: &mut Wall, runtime: &Runtime, name: &str, messages: &[Message]) {
    let mut peers = runtime.block_on(cluster(2, messages.len()));
    let mut group = times.benchmark_group("peer_frames");
    group.throughput(Throughput::Elements(messages.len() as u64));
    group.bench_function(name, |bench| bench.iter(|| runtime.block_on(exchange(&mut peers, messages))));
    drop(group);
    assert_eq!(peers[0].peers.counters().dropped, 0, "all that was sent arrived");
}

/// A replica that answers every read with its question, and a client of it.
async fn served() -> (ClientListener, Arc<Connector>) {
    let (listener, incoming) = listener(any_port(), ClientLimits::default()).await;
    tokio::spawn(serve(incoming));
    let client = Arc::new(connector(listener.local_address()));
    ask(&client, b"is it up?").await;
    (listener, client)
}

async fn serve(mut incoming: mpsc::Receiver<Incoming>) {
    while let Some(Incoming { request, responder }) = incoming.recv().await {
        if let Request::Query(Query::Read(bytes)) = request {
            responder.send(Response::Answer(Answer { executed: SeqNum::new(1), bytes }));
        }
    }
}

async fn ask(client: &Connector, question: &[u8]) {
    let response = client.request(id(0), read(question)).await.unwrap();
    assert!(matches!(response, Response::Answer(Answer { bytes, .. }) if bytes == question));
}

async fn ask_together(client: &Arc<Connector>, together: usize) {
    let mut asking = JoinSet::new();
    for _ in 0..together {
        let client = Arc::clone(client);
        asking.spawn(async move { ask(&client, &[7; BYTES[0]]).await });
    }
    assert_eq!(asking.join_all().await.len(), together);
}

async fn exchange(peers: &mut [Peer], messages: &[Message]) {
    for message in messages {
        peers[0].peers.send(id(1), message.lane(), Peers::frame(message));
    }
    for message in messages {
        let received = match message.lane() {
            Lane::Votes => peers[1].vote().await,
            Lane::Bulk => peers[1].bulk().await,
        };
        assert_eq!(received.from, id(0));
    }
}
