//! What a put, a read and the way of a put to a watcher take through a gateway, beside an etcd of three members that this starts on the
//! same machine: a table of both, and the ratio. A command and not a test, because its numbers are the machine's.
//!
//! ```text
//! target/release/tetrarch testnet up --gateway-port 2379
//! cargo run --release -p tetrarch-gateway --example latency -- 127.0.0.1:2379 [seconds 5]
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a command for developers: what goes wrong ends it")]
#![allow(clippy::print_stdout, reason = "its lines are what it is run for")]

mod support;

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use support::etcd::Etcd;
use support::{call, connect};
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse, RangeRequest, RangeResponse};
use tetrarch_gateway::messages::watch::{WatchAction, WatchCreateRequest, WatchRequest, WatchResponse};
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tonic::Streaming;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

/// Clients at the same time, each with a connection of its own and one call at a time.
const CLIENTS: [u64; 2] = [1, 16];

/// Bytes of a value; the first of them say when it was put.
const VALUE: usize = 128;

/// Before what is counted: connections, caches.
const WARM_UP: Duration = Duration::from_secs(1);

/// Microseconds, by what was done.
type Times = [(&'static str, Histogram<u64>); 3];

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let gateway = words.first().expect("give the gateway's address");
    let span = Duration::from_secs(words.get(1).map_or(5, |word| word.parse().expect("a number of seconds")));
    let etcd = Etcd::start().await.expect("etcd is not installed here (Debian's package etcd-server)");
    println!(
        "milliseconds                gateway p50      p99    calls |  etcd p50      p99    calls |  ratio p50   p99"
    );
    for clients in CLIENTS {
        // One after the other, so that neither takes the other's processors.
        let ours = measure(gateway, clients, span).await;
        let theirs = measure(&etcd.address, clients, span).await;
        for ((what, ours), (_, theirs)) in ours.iter().zip(&theirs) {
            println!("{}", line(clients, what, ours, theirs));
        }
    }
}

fn line(clients: u64, what: &str, ours: &Histogram<u64>, theirs: &Histogram<u64>) -> String {
    let at = |times: &Histogram<u64>, quantile| times.value_at_quantile(quantile) as f64 / 1e3;
    let side = |it: &Histogram<u64>| format!("{:>9.2} {:>8.2} {:>8}", at(it, 0.5), at(it, 0.99), it.len());
    let ratio = |quantile| at(ours, quantile) / at(theirs, quantile);
    let who = format!("{clients} {}", if clients == 1 { "client" } else { "clients" });
    format!("{who:<11}{what:<16}{} | {} | {:>10.1} {:>5.1}", side(ours), side(theirs), ratio(0.5), ratio(0.99))
}

/// Puts with a watcher beside, then reads with nobody beside.
async fn measure(address: &str, clients: u64, span: Duration) -> Times {
    let began = Instant::now();
    let counted = Span { from: began + WARM_UP, until: began + WARM_UP + span };
    let watcher = tokio::spawn(follow(watch(address).await, began, counted));
    let puts = all(address, clients, counted, move |channel, key| put(channel, key, began)).await;
    let watched = watcher.await.unwrap();
    let now = Instant::now();
    let gets = all(address, clients, Span { from: now + WARM_UP / 4, until: now + WARM_UP / 4 + span }, get).await;
    [("put", puts), ("put to watcher", watched), ("get", gets)]
}

/// When what is done is counted.
#[derive(Clone, Copy)]
struct Span {
    from: Instant,
    until: Instant,
}

/// So many clients that all do the same.
async fn all<F>(
    address: &str,
    clients: u64,
    span: Span,
    act: impl Fn(Channel, u64) -> F + Copy + Send + 'static,
) -> Histogram<u64>
where
    F: Future<Output = Result<(), tonic::Status>> + Send + 'static,
{
    let mut working = JoinSet::new();
    for client in 0..clients {
        let channel = connect(address).await;
        working.spawn(async move {
            let mut took = times();
            while Instant::now() < span.until {
                let started = Instant::now();
                act(channel.clone(), client).await.expect("nothing fails here");
                if started >= span.from {
                    took += micros(started.elapsed());
                }
            }
            took
        });
    }
    let mut all = times();
    working.join_all().await.into_iter().for_each(|took| all += took);
    all
}

async fn put(channel: Channel, key: u64, began: Instant) -> Result<(), tonic::Status> {
    let mut value = micros(began.elapsed()).to_be_bytes().to_vec();
    value.resize(VALUE, b'v');
    let message = PutRequest { key: name(key), value, ..PutRequest::default() };
    call::<_, PutResponse>(channel, "/etcdserverpb.KV/Put", message).await.map(drop)
}

async fn get(channel: Channel, key: u64) -> Result<(), tonic::Status> {
    let message = RangeRequest { key: name(key), ..RangeRequest::default() };
    call::<_, RangeResponse>(channel, "/etcdserverpb.KV/Range", message).await.map(drop)
}

/// Watches all keys that are put here, from now on.
async fn watch(address: &str) -> Streaming<WatchResponse> {
    let create =
        WatchCreateRequest { key: b"latency/".to_vec(), range_end: b"latency0".to_vec(), ..Default::default() };
    let asked = WatchRequest { request_union: Some(WatchAction::Create(create)) };
    let mut grpc = Grpc::new(connect(address).await);
    grpc.ready().await.unwrap();
    // The stream of requests stays open: its end is the end of the watch.
    let asks = tonic::Request::new(tokio_stream::once(asked).chain(tokio_stream::pending()));
    let path = http::uri::PathAndQuery::from_static("/etcdserverpb.Watch/Watch");
    let mut stream: Streaming<WatchResponse> =
        grpc.streaming(asks, path, ProstCodec::default()).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().unwrap().created);
    stream
}

/// From before each put that is counted until its event is here.
async fn follow(mut stream: Streaming<WatchResponse>, began: Instant, span: Span) -> Histogram<u64> {
    let mut took = times();
    while let Ok(told) = tokio::time::timeout_at(span.until.into(), stream.message()).await {
        for event in told.unwrap().expect("the watch holds").events {
            let kv = event.kv.unwrap();
            let put = began + Duration::from_micros(u64::from_be_bytes(*kv.value.first_chunk().unwrap()));
            if put >= span.from {
                took += micros(put.elapsed());
            }
        }
    }
    took
}

fn name(key: u64) -> Vec<u8> {
    format!("latency/{key:03}").into_bytes()
}

fn times() -> Histogram<u64> {
    Histogram::new(3).unwrap()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap()
}
