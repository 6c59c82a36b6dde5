//! A gateway on a cluster of real processes: its pages, a lost primary, a lost gateway.

#![allow(clippy::print_stdout, reason = "how long everything stood still")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::e2e_support::gateway::{Caller, page};
use crate::e2e_support::{Net, PATIENCE, block_on};
use tetrarch_gateway::messages::watch::WatchResponse;
use tetrarch_launcher::ProcessState;
use tokio::task::JoinSet;
use tonic::{Status, Streaming};

/// What was put by key, and how often it was asked for.
type Acknowledged = BTreeMap<String, (String, i64)>;

/// Callers at the same time, and how much each puts.
const CALLERS: usize = 8;
const PUTS: usize = 40;

#[test]
fn puts_go_on_through_the_gateway_when_the_primary_is_killed() {
    let net = Arc::new(Net::up_with_gateway());
    let (longest, acknowledged) = put_while(&net, |net| drop(net.ok(&["testnet", "kill", "0"])));
    println!("the longest time without an answer, with the primary killed: {} ms", longest.as_millis());
    assert!(acknowledged.len() >= CALLERS * PUTS, "every put was acknowledged");
    assert_present(&net, &acknowledged);
    assert!(net.view() > 0, "the view has changed");
    let health = page(net.gateway(), "/health");
    assert!(health.contains("\"health\":\"true\""), "{health}");
    net.assert_no_panic();
}

#[test]
fn a_gateway_that_is_killed_on_purpose_stays_down_and_the_doctor_says_so() {
    let mut net = Net::up_with_gateway();
    let dir = net.dir();
    let doctor = |net: &Net| net.tetrarch(&["doctor", "--dir", dir.to_str().unwrap()]);
    let healthy = doctor(&net).stdout;
    let answers = format!("it answers at {}, and the cluster behind it answers", net.gateway());
    assert!(healthy.contains(&answers) && healthy.contains("it speaks as etcd 3."), "{healthy}");
    let killed = net.json(&["testnet", "kill", "gateway"]);
    assert_eq!(killed, serde_json::json!({ "gateway": net.gateway().to_string(), "done": "kill" }));
    assert!(doctor(&net).stdout.contains("it was killed on purpose; start it with `tetrarch testnet start gateway`"));
    net.tetrarch(&["testnet", "pause", "gateway"]).assert_failed(1, &["the gateway is not running (killed)"]);
    assert!(net.ok(&["testnet", "start", "gateway"]).contains("the gateway is started"));
    net.ok(&["testnet", "pause", "gateway"]);
    assert!(doctor(&net).stdout.contains("it is paused; let it go on with `tetrarch testnet resume gateway`"));
    net.ok(&["testnet", "resume", "gateway"]);
    block_on(async {
        let (caller, started) = (Caller::to(net.gateway()), Instant::now());
        while caller.put("again", "v").await.is_err() {
            assert!(started.elapsed() < PATIENCE, "it serves again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    // Two of four are down: the gateway answers, and says that the cluster does not.
    net.ok(&["testnet", "kill", "2"]);
    net.ok(&["testnet", "kill", "3"]);
    let sick = doctor(&net);
    sick.assert_failed(1, &[]);
    assert!(sick.stdout.contains("says that it is not healthy: UNHEALTHY CLUSTER"), "{sick}");
    net.down();
    let stopped = doctor(&net).stdout;
    assert!(stopped.contains(&format!("TCP {} is free", net.gateway())), "{stopped}");
    net.assert_no_panic();
}

#[test]
fn a_gateway_that_is_killed_comes_back_and_reuses_no_nonce() {
    let net = Arc::new(Net::up_with_gateway());
    let mark = || -> u64 {
        let path = net.dir().join("gateway/identity.pem.nonces");
        std::fs::read_to_string(path).unwrap().trim().parse().unwrap()
    };
    let pid = net.status().gateway_process.unwrap().pid.unwrap();
    let killer = move |_: &Net| {
        assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    };
    let (longest, acknowledged) = put_while(&net, killer);
    println!("the longest time without an answer, with the gateway killed: {} ms", longest.as_millis());
    assert!(acknowledged.len() > CALLERS * PUTS / 2, "it went on: {}", acknowledged.len());
    assert_present(&net, &acknowledged);
    let status = net.until("the gateway is up again", |status| {
        status.gateway_process.as_ref().is_some_and(|gateway| gateway.state == ProcessState::Running)
    });
    let gateway = status.gateway_process.unwrap();
    assert!(gateway.restarts >= 1 && gateway.pid != Some(pid), "{gateway:?}");
    // What was set aside before the end is skipped.
    assert!(mark() > 256, "{}", mark());
    assert!(!net.ok(&["testnet", "logs", "gateway"]).contains("panicked"));
    net.assert_no_panic();
}

#[test]
fn who_requires_a_leader_is_told_when_too_few_replicas_are_left() {
    let net = Net::up_with_gateway();
    block_on(async {
        let patient = Caller::to(net.gateway());
        let strict = patient.requiring_leader();
        let [mut stays, mut ends] = [patient.watch("k", 0).await.unwrap(), strict.watch("k", 0).await.unwrap()];
        assert!(next(&mut stays).await.unwrap().created && next(&mut ends).await.unwrap().created);
        // One that dies leads no longer, and another does: that is no reason to end anything.
        change(&net, &["kill", "0"]);
        put(&strict, "1").await;
        assert_eq!(next(&mut ends).await.unwrap().events.len(), 1);
        change(&net, &["kill", "1"]);
        let ended = loop {
            if let Err(status) = next(&mut ends).await {
                break status;
            }
        };
        for told in [ended, strict.put("k", "2").await.unwrap_err()] {
            assert_eq!((told.code(), told.message()), (tonic::Code::Unavailable, "etcdserver: no leader"));
        }
        change(&net, &["start", "1"]);
        put(&strict, "3").await;
        for _ in 0..2 {
            assert_eq!(next(&mut stays).await.unwrap().events.len(), 1, "who did not ask keeps the stream");
        }
    });
    net.assert_no_panic();
}

fn change(net: &Net, words: &[&str]) {
    drop(tokio::task::block_in_place(|| net.ok(&[&["testnet"], words].concat())));
}

/// Puts until that is acknowledged.
async fn put(caller: &Caller, value: &str) {
    let started = Instant::now();
    while let Err(status) = caller.put("k", value).await {
        assert!(started.elapsed() < PATIENCE, "{value}: {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn next(told: &mut Streaming<WatchResponse>) -> Result<WatchResponse, Status> {
    Ok(tokio::time::timeout(PATIENCE, told.message()).await.unwrap()?.unwrap())
}

#[test]
fn the_gateway_of_a_testnet_has_pages_and_goes_with_it() {
    let mut net = Net::up_with_gateway();
    let line = format!("ETCDCTL_API=3 etcdctl --endpoints={} put hello world", net.gateway());
    assert!(net.up_words().contains(&line), "{}", net.up_words());
    let health = page(net.gateway(), "/health");
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with(r#"{"health":"true","reason":""}"#), "{health}");
    assert!(page(net.gateway(), "/version").ends_with(r#"{"etcdserver":"3.5.0","etcdcluster":"3.5.0"}"#));
    block_on(async { Caller::to(net.gateway()).put("a", "b").await.unwrap() });
    let metrics = page(net.gateway(), "/metrics");
    let counted = r#"tetrarch_gateway_requests_total{method="etcdserverpb.KV/Put",code="OK"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(page(net.gateway(), "/else").starts_with("HTTP/1.1 404"));

    let status = net.status();
    assert_eq!(status.gateway, Some(net.gateway()));
    net.ok(&["testnet", "kill", "1"]);
    net.ok(&["testnet", "kill", "2"]);
    let health = page(net.gateway(), "/health");
    assert!(health.starts_with("HTTP/1.1 503"), "two of four are no quorum: {health}");
    net.down();
    assert!(std::net::TcpStream::connect(net.gateway()).is_err(), "it ends with the testnet");
    net.assert_no_panic();
}

/// How far callers are that put side by side, while something is done.
#[derive(Default)]
struct Course {
    /// Puts acknowledged.
    done: AtomicUsize,
    /// Whether that is done.
    is_over: AtomicBool,
    /// When each put was acknowledged.
    answers: Mutex<Vec<Instant>>,
}

/// Puts with several callers, each put until it is acknowledged, and does something in the middle, behind which each puts at least once.
/// Gives the longest time without an answer to anyone, and what was acknowledged.
fn put_while(net: &Arc<Net>, middle: impl Fn(&Net) + Send + 'static) -> (Duration, Acknowledged) {
    let course = Arc::new(Course::default());
    let acknowledged = block_on(async {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(put_share(Caller::to(net.gateway()), caller, course.clone()));
        }
        let (net, course) = (net.clone(), course.clone());
        let middle = tokio::task::spawn_blocking(move || {
            while course.done.load(Ordering::Relaxed) < CALLERS * PUTS / 2 {
                std::thread::sleep(Duration::from_millis(2));
            }
            middle(&net);
            course.is_over.store(true, Ordering::Relaxed);
        });
        let shares = callers.join_all().await;
        middle.await.unwrap();
        shares.into_iter().flatten().collect()
    });
    let mut sorted: Vec<Instant> = std::mem::take(&mut *course.answers.lock().unwrap());
    sorted.sort_unstable();
    let longest = sorted.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    (longest, acknowledged)
}

async fn put_share(caller: Caller, number: usize, course: Arc<Course>) -> Vec<(String, (String, i64))> {
    let (mut acknowledged, started) = (Vec::new(), Instant::now());
    for turn in 0.. {
        let is_over = course.is_over.load(Ordering::Relaxed);
        let (key, value) = (format!("load/{number}/{turn:03}"), format!("{number}-{turn}"));
        let mut attempts = 1;
        while let Err(status) = caller.put(&key, &value).await {
            attempts += 1;
            assert!(started.elapsed() < PATIENCE, "{key}: {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        course.answers.lock().unwrap().push(Instant::now());
        acknowledged.push((key, (value, attempts)));
        course.done.fetch_add(1, Ordering::Relaxed);
        if is_over && turn + 1 >= PUTS {
            break;
        }
    }
    acknowledged
}

/// Everything acknowledged is there, right, and put no more often than it was asked for.
fn assert_present(net: &Net, acknowledged: &Acknowledged) {
    let read = block_on(async { Caller::to(net.gateway()).read_all("load/").await.unwrap() });
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(read.kvs.len(), acknowledged.len());
    for kv in &read.kvs {
        let (value, attempts) = &acknowledged[&text(&kv.key)];
        assert_eq!(&text(&kv.value), value);
        assert!(kv.version <= *attempts, "asked for {attempts} times: {kv:?}");
    }
}
