//! A replica that is too far behind, or has nothing at all, fetches the state from peers that may mislead it.

use std::fs;
use std::time::Duration;

use crate::support::cluster::{Cluster, WINDOW};
use crate::support::eventually;
use crate::support::misleading::Answering;
use tetrarch_kv::{Command, Request};
use tetrarch_types::NodeMode;
use tokio::time::sleep;

/// Keys of a command with many.
const TOGETHER: usize = 100;
/// Commands that make a larger state.
const COMMANDS: usize = 30;
/// Slow enough to see a transfer under way.
const SLOWLY: Answering = Answering::Honestly(Duration::from_millis(10));

/// More batches than a ledger and a window hold.
const MANY: usize = 40;

fn was_fetched(cluster: &Cluster, id: usize) -> u64 {
    let (status, counters) = (cluster.status(id), cluster.node(id).counters());
    assert!(status.recovery.level_micros.is_some(), "{status:?}");
    assert!(counters["state_transfers"] > 0 && counters["states_installed"] > 0, "{counters:?}");
    assert!(status.recovery.rows_fetched > 0, "{status:?}");
    status.recovery.rows_fetched
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_missed_more_than_anybody_keeps() {
    let mut cluster = Cluster::started().await;
    cluster.write(6).await;
    cluster.stop(3).await;
    cluster.write(MANY).await;

    let writer = cluster.writer(Duration::from_millis(50));
    cluster.start(3).await;
    cluster.never_lies_until_level(3).await;
    cluster.becomes_level(3).await;
    assert!(writer.end().await > 0);
    was_fetched(&cluster, 3);
    eventually("it votes", || cluster.status(3).mode == NodeMode::Normal).await;
    cluster.agrees().await;
    cluster.stop(0).await;
    cluster.write(4).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_replica_is_silent_until_it_may_vote() {
    let mut cluster = Cluster::started().await;
    cluster.write(MANY).await;
    cluster.stop(2).await;
    fs::remove_dir_all(cluster.config(2).data_dir).unwrap();

    cluster.start(2).await;
    cluster.never_lies_until_level(2).await;
    cluster.becomes_level(2).await;
    was_fetched(&cluster, 2);
    let status = cluster.status(2);
    assert!(status.recovery.findings.iter().any(|finding| finding.contains("lost everything")), "{status:?}");
    let NodeMode::Silent { until: Some(until) } = status.mode else { panic!("it votes too early: {status:?}") };
    assert!(until.get() > status.stable_checkpoint.get() + WINDOW / 2, "{status:?}");

    cluster.agrees().await;
    loop {
        let status = cluster.status(2);
        if status.stable_checkpoint >= until {
            break;
        }
        assert_ne!(status.mode, NodeMode::Normal);
        cluster.write(1).await;
        let written = cluster.last_written();
        eventually("it goes along", || cluster.status(2).executed >= written).await;
        sleep(Duration::from_millis(20)).await;
    }
    eventually("it votes", || cluster.status(2).mode == NodeMode::Normal).await;
    cluster.stop(0).await;
    cluster.write(6).await;
    cluster.agrees().await;
    cluster.stop_all().await;
}

/// Everyone answers slowly, and replica 0 as it is told; replica 3 was away and comes back. How many liars it has found.
async fn misled_by(answering: Answering) -> u64 {
    let mut cluster = Cluster::prepared(8);
    let store = cluster.start_misleading(0, Answering::Honestly(Duration::ZERO)).await;
    for id in [1, 2] {
        cluster.start_misleading(id, SLOWLY).await;
    }
    cluster.start(3).await;
    cluster.write(2).await;
    cluster.stop(3).await;
    for _ in 0..12 {
        cluster.write_together(TOGETHER, 256).await;
    }
    cluster.write(8).await;
    store.answers(answering);

    cluster.start(3).await;
    eventually("it is level", || cluster.status(3).recovery.level_micros.is_some()).await;
    was_fetched(&cluster, 3);
    let liars = cluster.node(3).counters()["state_liars"];
    store.answers(Answering::Honestly(Duration::ZERO));
    cluster.agrees().await;
    cluster.stop_all().await;
    liars
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_sends_other_rows() {
    assert_eq!(misled_by(Answering::WrongRows).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_sends_other_pages() {
    assert_eq!(misled_by(Answering::WrongPages).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_sends_another_checkpoint() {
    assert_eq!(misled_by(Answering::OtherCheckpoint).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_answers() {
    assert_eq!(misled_by(Answering::NotAtAll).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_has_nothing() {
    assert_eq!(misled_by(Answering::WithNothing).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_place_is_not_fetched_again() {
    let mut cluster = Cluster::prepared(64);
    for id in 0..3 {
        cluster.start_misleading(id, SLOWLY).await;
    }
    cluster.start(3).await;
    cluster.write(2).await;
    cluster.stop(3).await;
    for _ in 0..COMMANDS {
        cluster.write_together(TOGETHER, 1024).await;
    }
    cluster.write(70).await;

    // A record and an event each.
    let rows = (2 * COMMANDS * TOGETHER) as u64;
    let mut before = 0;
    for meanwhile in [0, 70, 0] {
        cluster.start(3).await;
        eventually("a part of it is here", || cluster.status(3).recovery.rows_fetched > rows / 8).await;
        let status = cluster.status(3);
        assert!(status.transfer.is_some() && status.recovery.level_micros.is_none(), "over too soon: {status:?}");
        assert_eq!(cluster.reads(3, 0).await, None, "nothing is answered from half a state");
        before += status.recovery.rows_fetched;
        cluster.kill(3);
        // The checkpoint that it was fetching is not the newest one any more. How many rows change meanwhile does not depend on the machine.
        cluster.write(meanwhile).await;
    }
    cluster.start(3).await;
    cluster.becomes_level(3).await;
    let last = was_fetched(&cluster, 3);
    // Some of what is in place was changed meanwhile, and what came right before a kill is not in place.
    assert!(before > rows / 8 * 3 && last + before / 3 <= rows, "{before} rows, and then {last} of {rows}");
    cluster.agrees().await;
    cluster.stop_all().await;
}

/// The others decide many windows while a state is fetched: what follows it is there as batches, and one transfer is enough.
#[tokio::test(flavor = "multi_thread")]
async fn who_fetches_a_state_does_not_chase_the_others() {
    let mut cluster = Cluster::prepared(32);
    for id in 0..3 {
        cluster.start_misleading(id, SLOWLY).await;
    }
    for _ in 0..COMMANDS / 2 {
        cluster.write_together(TOGETHER, 1024).await;
    }
    cluster.write(MANY).await;
    let writer = cluster.writer(Duration::from_millis(30));
    let before = cluster.status(0).executed;
    cluster.start(3).await;
    eventually("a state is in place", || cluster.node(3).counters()["states_installed"] > 0).await;
    let missed = cluster.status(0).executed.above(before);
    cluster.becomes_level(3).await;
    assert!(writer.end().await > 0);
    assert!(missed > 2 * WINDOW, "{missed} batches");
    assert_eq!(cluster.node(3).counters()["state_transfers"], 1, "missed {missed} batches meanwhile");
    cluster.agrees().await;
    cluster.stop_all().await;
}

/// Values of a megabyte, and a reply of 1.4: rows that go over the bound of a supply by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn rows_as_large_as_a_supply() {
    let mut cluster = Cluster::started().await;
    cluster.write(2).await;
    cluster.stop(3).await;
    for at in 0..6 {
        let put = |part, bytes| Request::put(format!("large{at}{part}"), vec![at; bytes]);
        cluster.client.execute(&Command::new([put('a', 700 * 1024), put('b', 750 * 1024)])).await;
    }
    cluster.client.execute(&Command::put("largest", vec![7; 1024 * 1024])).await;
    cluster.client.execute(&Command::prefix("large3", 2)).await;
    cluster.write(MANY).await;

    cluster.start(3).await;
    cluster.becomes_level(3).await;
    was_fetched(&cluster, 3);
    assert_eq!(cluster.client.read(3, "large5b").await.records[0].1.value, vec![5; 750 * 1024]);
    assert_eq!(cluster.client.read(3, "largest").await.records[0].1.value.len(), 1024 * 1024);
    cluster.agrees().await;
    cluster.stop_all().await;
}
