//! Measurements over loopback. Run them with
//! `cargo test --release -p tetrarch-transport --test measure -- --ignored --nocapture --test-threads=1`.
#![allow(clippy::print_stdout, reason = "this is what they are for")]

mod common;

use std::time::{Duration, Instant};

use common::{any_port, cluster, commit, connector, id, listener, read, supply, within};
use tetrarch_transport::{ClientLimits, Peers};
use tetrarch_types::{Lane, Refusal, Response};

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what}: median {:?}, 99 % {:?}, longest {:?}", at(50), at(99), at(100));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn round_trip_of_a_vote() {
    let mut cluster = cluster(2, 1024).await;
    let (one, two) = cluster.split_at_mut(1);
    let mut times = Vec::new();
    for seq in 0..5_000 {
        let since = Instant::now();
        one[0].peers.send(id(1), Lane::Votes, Peers::frame(&commit(seq)));
        let there = two[0].vote().await;
        two[0].peers.send(id(0), Lane::Votes, Peers::frame(&there.message));
        one[0].vote().await;
        times.push(since.elapsed());
    }
    report("a vote there and back", times);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn votes_and_bulk_a_second() {
    let mut cluster = cluster(2, 1024).await;
    let (one, two) = cluster.split_at_mut(1);
    let since = Instant::now();
    for seq in 0..200_000u64 {
        one[0].peers.send(id(1), Lane::Votes, Peers::frame(&commit(seq)));
        if seq % 1_000 == 999 {
            for _ in 0..1_000 {
                two[0].vote().await;
            }
        }
    }
    println!("votes: {:.0} a second", 200_000.0 / since.elapsed().as_secs_f64());

    let large = Peers::frame(&supply(4, 1_000_000));
    let since = Instant::now();
    for _ in 0..100 {
        one[0].peers.send(id(1), Lane::Bulk, large.clone());
        two[0].bulk().await;
    }
    println!("bulk in frames of 4 MB: {:.0} MB a second", 400.0 / since.elapsed().as_secs_f64());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn round_trip_of_a_request() {
    let (listener, mut incoming) = listener(any_port(), ClientLimits::default()).await;
    tokio::spawn(async move {
        while let Some(asked) = incoming.recv().await {
            asked.responder.send(Response::Refused(Refusal::Busy));
        }
    });
    let client = connector(listener.local_address());
    let mut times = Vec::new();
    for _ in 0..5_000 {
        let since = Instant::now();
        within(client.request(id(0), read(b"x"))).await.unwrap();
        times.push(since.elapsed());
    }
    report("a request and its response", times);
}
