//! Watches of one gateway: clients that do not read, gateways that begin anew, and what etcdctl prints.

use std::sync::atomic::Ordering;

use crate::installed::has_etcd;
use crate::support::Running;
use crate::support::calls::Caller;
use crate::support::programs::{Etcd, etcdctl, printed_within};
use crate::support::scripted::Scripted;
use crate::support::watching::{Watching, create};
use tetrarch_gateway::messages::kv::{CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse};
use tetrarch_gateway::messages::watch::{WatchAction, WatchCreateRequest, WatchResponse};
use tetrarch_kv_client::BackendError;
use tonic::Code;

const MIB: usize = 1024 * 1024;

/// More than enough for any test here.
const PLENTY: usize = 10_000;

async fn put_large(caller: &Caller, count: usize) {
    for number in 0..count {
        caller.put(b"large", &vec![u8::try_from(number % 251).unwrap(); MIB - 1]).await.unwrap();
    }
}

async fn compact(caller: &Caller, revision: i64) {
    let compaction = CompactionRequest { revision, physical: false };
    let _: CompactionResponse = caller.call("/etcdserverpb.KV/Compact", compaction).await.unwrap();
}

/// More than the log holds: who has not read it goes back to the history.
const BEYOND_THE_LOG: usize = 24;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_nobody_up_and_misses_nothing() {
    let gateway = Running::local();
    let (slow, quick) = (Caller::to(&gateway).await, Caller::to(&gateway).await);
    let mut sleeping = Watching::to(&slow).await;
    let mut awake = Watching::to(&quick).await;
    assert!(sleeping.create(create("large", "", 0)).await.created);
    assert!(awake.create(create("large", "", 0)).await.created);
    put_large(&quick, BEYOND_THE_LOG).await;
    let all: Vec<i64> = (2..).take(BEYOND_THE_LOG).collect();
    assert_eq!(awake.revisions(BEYOND_THE_LOG).await, all);
    // What it holds on to by now it has let go.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    put_large(&quick, 2).await;
    assert_eq!(sleeping.revisions(BEYOND_THE_LOG).await, all);
    assert_eq!(sleeping.revisions(2).await, awake.revisions(2).await);
}

/// Puts so many large values, and deletes them together; gives the revision that did. With what was there before it is told in fragments.
async fn delete_large(caller: &Caller, count: u8) -> i64 {
    for number in 0..count {
        caller.put(&[b'f', number], &vec![number; MIB - 1]).await.unwrap();
    }
    let all = DeleteRangeRequest { key: b"f".to_vec(), range_end: b"g".to_vec(), prev_kv: false };
    let deleted: DeleteRangeResponse = caller.call("/etcdserverpb.KV/DeleteRange", all).await.unwrap();
    assert_eq!(deleted.deleted, i64::from(count));
    deleted.header.unwrap().revision
}

#[tokio::test]
async fn whoever_was_told_all_of_the_past_has_no_place_in_the_history() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    caller.put(b"k", b"v").await.unwrap();
    let mut told = Vec::new();
    // One more than there are places, and nothing else happens.
    for _ in 0..9 {
        let mut watching = Watching::to(&caller).await;
        assert!(watching.create(create("k", "", 2)).await.created);
        assert_eq!(watching.revisions(1).await, [2]);
        told.push(watching);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_read_on_have_no_place_in_the_history() {
    const FRAGMENTS: u8 = 8;
    let gateway = Running::local();
    let quick = Caller::to(&gateway).await;
    let deletion = delete_large(&quick, FRAGMENTS).await;
    let mut sleeping = Vec::new();
    // As many as there are places.
    for _ in 0..8 {
        let mut watching = Watching::to(&Caller::to(&gateway).await).await;
        let in_fragments = WatchCreateRequest { fragment: true, prev_kv: true, ..create("f", "g", deletion) };
        assert!(watching.create(in_fragments).await.created);
        sleeping.push(watching);
    }
    // By then all of them have begun to be told, and stand still.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let mut awake = Watching::to(&quick).await;
    assert!(awake.create(create("f\0", "", 2)).await.created);
    let told = awake.next().await.events;
    assert_eq!(told.first().unwrap().kv.as_ref().unwrap().mod_revision, 2);
    for mut watching in sleeping {
        let mut told = 0;
        while told < usize::from(FRAGMENTS) {
            told += watching.next().await.events.len();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_too_late_is_told_so() {
    let gateway = Running::local();
    let (slow, quick) = (Caller::to(&gateway).await, Caller::to(&gateway).await);
    let mut sleeping = Watching::to(&slow).await;
    assert!(sleeping.create(create("large", "", 0)).await.created);
    let count = BEYOND_THE_LOG + 6;
    put_large(&quick, count).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let newest = i64::try_from(count).unwrap() + 1;
    compact(&quick, newest).await;
    let mut told = 0;
    let last: WatchResponse = loop {
        let response = sleeping.next().await;
        if response.canceled {
            break response;
        }
        told += response.events.len();
    };
    assert!(told < count, "{told}");
    assert_eq!((last.compact_revision, last.watch_id), (newest, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_at_another_gateway_where_it_was() {
    let cluster = Scripted::new(PLENTY);
    let mut next = 1;
    let mut seen = Vec::new();
    for round in 0..3 {
        let gateway = Running::start(cluster.clone());
        let caller = Caller::to(&gateway).await;
        let mut watching = Watching::to(&caller).await;
        // What happens while nobody watches is told too.
        for number in 0..5 {
            caller.put(b"k", &[round, number]).await.unwrap();
        }
        assert!(watching.create(create("k", "", next)).await.created);
        caller.put(b"k", &[round, 9]).await.unwrap();
        let expected = (usize::from(round) + 1) * 6;
        while seen.len() < expected {
            for event in watching.next().await.events {
                let kv = event.kv.unwrap();
                next = kv.mod_revision + 1;
                seen.push(kv.mod_revision);
            }
        }
    }
    assert_eq!(seen, (2..20).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_when_all_before_it_was() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let mut watching = Watching::to(&caller).await;
    for _ in 0..20 {
        caller.put(b"k", b"v").await.unwrap();
    }
    watching.create(create("k", "", 1)).await;
    watching.create(create("none", "", 1)).await;
    for _ in 0..10 {
        let written = caller.put(b"k", b"v").await.unwrap().revision;
        watching.progress().await;
        let mut seen = 0;
        loop {
            let response = watching.next().await;
            if response.watch_id == -1 {
                assert_eq!(response.header.unwrap().revision, written);
                assert!(response.events.is_empty());
                break;
            }
            // That a watch is made may be told behind another one's events.
            if let Some(last) = response.events.last() {
                seen = last.kv.as_ref().unwrap().mod_revision;
            }
        }
        assert_eq!(seen, written, "what was written before is told before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_watches_are_each_told_their_own() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let mut watching = Watching::to(&caller).await;
    for number in 0..1_000 {
        let response = watching.create(create(&format!("k{number}"), "", 0)).await;
        assert_eq!((response.watch_id, response.created), (number, true));
    }
    for number in [0, 999, 500] {
        caller.put(format!("k{number}").as_bytes(), b"v").await.unwrap();
        assert_eq!(watching.next().await.watch_id, number);
    }
    assert!(watching.all().await.is_empty());
}

#[tokio::test]
async fn a_watch_that_cannot_begin_ends_its_stream_so_that_clients_come_back() {
    let cluster = Scripted::new(PLENTY);
    let gateway = Running::start(cluster.clone());
    let caller = Caller::to(&gateway).await;
    for trouble in [
        BackendError::Busy,
        BackendError::Refused("check this machine's clock".to_owned()),
        BackendError::Unreadable("a liar's".to_owned()),
        BackendError::TimedOut,
    ] {
        // Behind the latest revision, and in front of the first.
        for start_revision in [0, 1] {
            *cluster.trouble.lock().unwrap() = Some(trouble.clone());
            let mut watching = Watching::to(&caller).await;
            watching.ask(WatchAction::Create(create("k", "", start_revision))).await;
            let ended = watching.end().await;
            assert_eq!(ended.code(), Code::Unavailable, "{trouble}: {ended}");
        }
    }
    *cluster.trouble.lock().unwrap() = None;
    assert!(Watching::to(&caller).await.create(create("k", "", 0)).await.created);
}

#[tokio::test]
async fn who_requires_a_leader_is_not_left_without_one() {
    let cluster = Scripted::new(PLENTY);
    let gateway = Running::start(cluster.clone());
    let patient = Caller::to(&gateway).await;
    let strict = patient.requiring_leader();
    let (mut stays, mut ends) = (Watching::to(&patient).await, Watching::to(&strict).await);
    for watching in [&mut stays, &mut ends] {
        assert!(watching.create(create("k", "", 0)).await.created);
    }
    cluster.leaderless.store(3, Ordering::SeqCst);
    strict.put(b"k", b"v").await.unwrap();
    assert_eq!((stays.revisions(1).await, ends.revisions(1).await), (vec![2], vec![2]), "a view change is no outage");
    cluster.leaderless.store(6, Ordering::SeqCst);
    for ended in [ends.end().await, strict.put(b"k", b"v").await.unwrap_err()] {
        assert_eq!((ended.code(), ended.message()), (Code::Unavailable, "etcdserver: no leader"));
    }
    patient.put(b"k", b"v").await.unwrap();
    assert_eq!(stays.revisions(1).await, [3], "who did not ask is served as well as can be");
    cluster.leaderless.store(0, Ordering::SeqCst);
    assert!(Watching::to(&strict).await.create(create("k", "", 0)).await.created);
}

#[test]
fn etcdctl_prints_what_it_prints_with_etcd() {
    if !has_etcd() {
        return;
    }
    let (gateway, etcd) = (Running::local(), Etcd::start());
    let endpoints = [gateway.endpoint(), etcd.endpoint.clone()];
    for endpoint in &endpoints {
        for line in [
            &["put", "a1", "one"][..],
            &["put", "a2", "two"],
            &["put", "a1", "uno"],
            &["del", "a2"],
            &["put", "b", "x"],
        ] {
            assert_eq!(etcdctl(endpoint, line, "").code, Some(0));
        }
    }
    for (line, expected) in [
        ("watch a --prefix --rev 2", "PUT\na1\none\nPUT\na2\ntwo\nPUT\na1\nuno\nDELETE\na2\n\n"),
        (
            "watch a --prefix --rev 2 --prev-kv",
            "PUT\na1\none\nPUT\na2\ntwo\nPUT\na1\none\na1\nuno\nDELETE\na2\ntwo\na2\n\n",
        ),
        ("watch a1 --rev 3", "PUT\na1\nuno\n"),
        ("watch a1 b --rev 4", "PUT\na1\nuno\nDELETE\na2\n\n"),
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [ours, theirs] = endpoints.each_ref().map(|endpoint| printed_within(endpoint, &words, expected.len()));
        assert_eq!((ours.as_str(), theirs.as_str()), (expected, expected), "{line}");
    }
}
