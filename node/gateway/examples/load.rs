//! Puts and reads through a gateway at the same time: how many, how long they take, and how often a read had to be ordered. A command and not
//! a test, because its numbers are the machine's. It works with an etcd in the gateway's place, too.
//!
//! ```text
//! cargo run --release -p tetrarch-gateway --example load -- 127.0.0.1:2379 [writers 16] [readers 16] [seconds 10]
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a command for developers: what goes wrong ends it")]
#![allow(clippy::print_stdout, reason = "its lines are what it is run for")]

mod support;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use support::{call, connect};
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse, RangeRequest, RangeResponse};
use tetrarch_gateway::messages::lease::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseTimeToLiveRequest, LeaseTimeToLiveResponse,
};
use tokio::task::JoinSet;
use tonic::transport::Channel;

/// Keys that are put and read.
const KEYS: u64 = 64;

/// How long each call of one kind took, and how many failed.
#[derive(Default)]
struct Calls {
    took: Vec<Duration>,
    failed: usize,
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let address = words.first().expect("give the gateway's address").clone();
    let number = |place: usize, default: u64| words.get(place).map_or(default, |word| word.parse().expect("a number"));
    let (writers, readers, seconds) = (number(1, 16), number(2, 16), number(3, 10));
    let channel = connect(&address).await;
    let end = Instant::now() + Duration::from_secs(seconds);
    let lease = grant(&channel).await;

    let (mut puts, mut gets, mut looks) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    for writer in 0..writers {
        let channel = channel.clone();
        puts.spawn(repeat(end, move |turn| put(channel.clone(), (writer * 31 + turn) % KEYS)));
    }
    for reader in 0..readers {
        let channel = channel.clone();
        gets.spawn(repeat(end, move |turn| get(channel.clone(), (reader * 17 + turn) % KEYS)));
    }
    let leasing = channel.clone();
    looks.spawn(repeat(end, move |_| look(leasing.clone(), lease)));

    report("put", puts.join_all().await, seconds);
    report("get", gets.join_all().await, seconds);
    report("time to live", looks.join_all().await, seconds);
    let counted = page(&address, "/metrics");
    counted.lines().filter(|line| line.contains("ordered_reads_total")).for_each(|line| println!("{line}"));
}

/// One caller: one call at a time, until the end.
async fn repeat<F: Future<Output = Result<(), tonic::Status>>>(end: Instant, call: impl Fn(u64) -> F) -> Calls {
    let mut calls = Calls::default();
    for turn in 0.. {
        let started = Instant::now();
        if started >= end {
            break;
        }
        match call(turn).await {
            Ok(()) => calls.took.push(started.elapsed()),
            Err(status) => {
                println!("failed: {} {}", status.code(), status.message());
                calls.failed += 1;
            }
        }
    }
    calls
}

async fn put(channel: Channel, key: u64) -> Result<(), tonic::Status> {
    let message = PutRequest { key: name(key), value: vec![b'v'; 128], ..PutRequest::default() };
    call::<_, PutResponse>(channel, "/etcdserverpb.KV/Put", message).await.map(drop)
}

async fn get(channel: Channel, key: u64) -> Result<(), tonic::Status> {
    let message = RangeRequest { key: name(key), ..RangeRequest::default() };
    call::<_, RangeResponse>(channel, "/etcdserverpb.KV/Range", message).await.map(drop)
}

async fn grant(channel: &Channel) -> i64 {
    let message = LeaseGrantRequest { ttl: 3_600, ..LeaseGrantRequest::default() };
    let granted: LeaseGrantResponse =
        call(channel.clone(), "/etcdserverpb.Lease/LeaseGrant", message).await.expect("a lease");
    granted.id
}

async fn look(channel: Channel, id: i64) -> Result<(), tonic::Status> {
    let message = LeaseTimeToLiveRequest { id, ..LeaseTimeToLiveRequest::default() };
    let seen: LeaseTimeToLiveResponse = call(channel, "/etcdserverpb.Lease/LeaseTimeToLive", message).await?;
    assert!(seen.ttl > 0, "it lives: {seen:?}");
    Ok(())
}

fn name(key: u64) -> Vec<u8> {
    format!("load/{key:03}").into_bytes()
}

fn report(what: &str, calls: Vec<Calls>, seconds: u64) {
    let failed: usize = calls.iter().map(|calls| calls.failed).sum();
    let mut took: Vec<Duration> = calls.into_iter().flat_map(|calls| calls.took).collect();
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
    let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!(
        "{what}: {} a second, {failed} failed; p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        took.len() as u64 / seconds.max(1),
        millis(at(50)),
        millis(at(99)),
        millis(took.last()),
    );
}

/// A page over plain HTTP.
fn page(address: &str, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
