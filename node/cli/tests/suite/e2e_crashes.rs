//! Replicas that die and come back: nothing acknowledged is lost, nothing happens twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::e2e_support::{Net, PATIENCE, executed, read_all};
use tetrarch_client::Client;
use tetrarch_kv::Command;
use tetrarch_launcher::{ReplicaState, Testnet, Whom, send};

/// Callers at the same time.
const CALLERS: usize = 4;

/// Puts that are enough to lose one of.
const MANY: usize = 21;

#[test]
fn every_service_survives_its_primary() {
    let net = Net::up(4);
    let services = Arc::new(services());
    let client = Arc::new(block_on_client(&net));
    let course = Arc::new(Course::default());
    let dir = net.dir();
    client.runtime.block_on(async {
        let half = services.len() / 2;
        let killer = tokio::spawn(kill_at(Arc::clone(&course), half, dir));
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(put_share(Arc::clone(&client.client), Arc::clone(&services), caller, Arc::clone(&course)));
        }
        callers.join_all().await;
        killer.await.unwrap();
    });

    let read = client.runtime.block_on(read_all(&client.client, "service/"));
    let found: BTreeMap<String, String> = read.iter().map(|(key, record)| (text(key), text(&record.value))).collect();
    assert_eq!(found, *services, "all of them, and right");
    assert!(read.iter().all(|(_, record)| record.version == 1), "none twice");
    assert!(net.view() > 0, "the view has changed");
    assert_eq!(net.status().replicas[0].state, ReplicaState::Killed);

    net.ok(&["testnet", "start", "0"]);
    // A little more, so that it hears of what it missed whatever the way.
    for number in 0..3 {
        net.ok(&["kv", "put", "after", &number.to_string()]);
    }
    let status = net.until_level();
    assert!(status.replicas[0].revision.unwrap() > services.len() as u64);
    net.assert_no_panic();
}

/// How far the callers are, and whether whoever is to be killed has been.
#[derive(Default)]
struct Course {
    done: AtomicUsize,
    is_killed: AtomicBool,
}

impl Course {
    /// Waits until so much is acknowledged.
    async fn until(&self, count: usize) {
        while self.done.load(Ordering::Relaxed) < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn kill_at(course: Arc<Course>, count: usize, dir: std::path::PathBuf) {
    course.until(count).await;
    let testnet = Testnet::open(&dir).unwrap();
    send(testnet.layout(), &tetrarch_launcher::Command::Kill { whom: Whom::Replica(0) }, PATIENCE).await.unwrap();
    course.is_killed.store(true, Ordering::Relaxed);
}

async fn put_share(client: Arc<Client>, services: Arc<BTreeMap<String, String>>, caller: usize, course: Arc<Course>) {
    let mut share = services.iter().skip(caller).step_by(CALLERS).peekable();
    while let Some((key, port)) = share.next() {
        if share.peek().is_none() {
            // However fast the others were: the last one is for those who are left.
            until(&course.is_killed).await;
        }
        let submitted = client.submit(Command::put(key.as_str(), port.as_str()).encode()).await.unwrap();
        let result = executed(&submitted.outcome);
        assert!(result.results.unwrap()[0].is_ok(), "{key}");
        course.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client with a runtime that outlives each call.
struct Running {
    runtime: tokio::runtime::Runtime,
    client: Arc<Client>,
}

fn block_on_client(net: &Net) -> Running {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = runtime.block_on(async { Arc::new(net.client()) });
    Running { runtime, client }
}

/// service/NAME/PROTO → port, of every entry of /etc/services.
#[expect(clippy::print_stderr, reason = "a test that runs on other data than it says has to say so")]
fn services() -> BTreeMap<String, String> {
    let Ok(file) = std::fs::read_to_string("/etc/services") else {
        eprintln!("there is no /etc/services (Debian's package netbase): using a made-up list");
        return (1..=350).map(|port| (format!("service/made-up-{port}/tcp"), port.to_string())).collect();
    };
    let mut services = BTreeMap::new();
    for line in file.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        if let (Some(name), Some((port, protocol))) = (words.next(), words.next().and_then(|word| word.split_once('/')))
        {
            services.entry(format!("service/{name}/{protocol}")).or_insert_with(|| port.to_owned());
        }
    }
    assert!(services.len() > 100, "/etc/services has {} entries", services.len());
    services
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn two_of_four_are_too_few_and_say_so() {
    let net = Net::up(4);
    net.ok(&["kv", "put", "before", "1"]);
    net.ok(&["testnet", "kill", "2"]);
    net.ok(&["kv", "put", "with three", "1"]);
    net.ok(&["testnet", "kill", "3"]);
    net.tetrarch(&["testnet", "kill", "3"]).assert_failed(1, &["replica 3 is not running (killed)", "testnet start 3"]);
    let refused = net.tetrarch(&["kv", "put", "with two", "1", "--timeout", "3s"]);
    refused.assert_failed(4, &["3 of 4 replicas are needed", "2 answer"]);
    // One that is late with its answer counts as unreachable, for once.
    let states = [ReplicaState::Running, ReplicaState::Running, ReplicaState::Killed, ReplicaState::Killed];
    net.until("two run", |status| status.replicas.iter().map(|replica| replica.state).eq(states));

    net.ok(&["testnet", "start", "2"]);
    net.ok(&["kv", "put", "with three again", "1", "--timeout", "60s"]);
    assert_eq!(net.ok(&["kv", "get", "before", "--timeout", "30s"]).trim_end(), "1");
    net.ok(&["testnet", "start", "3"]);
    net.ok(&["kv", "put", "with four", "1", "--timeout", "60s"]);
    net.until_level();
    net.assert_no_panic();
}

#[test]
fn what_was_acknowledged_survives_the_end_of_all() {
    let mut net = Net::up(4);
    let running = block_on_client(&net);
    let course = Arc::new(Course::default());
    let dir = net.dir();
    let acknowledged = running.runtime.block_on(async {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..CALLERS {
            writers.spawn(write_until_killed(Arc::clone(&running.client), writer, Arc::clone(&course)));
        }
        tokio::time::sleep(Duration::from_secs(4)).await;
        tokio::time::timeout(PATIENCE, course.until(MANY)).await.expect("many are acknowledged");
        kill_all(&dir).await;
        course.is_killed.store(true, Ordering::Relaxed);
        writers.join_all().await.concat()
    });
    assert!(acknowledged.len() >= MANY, "only {} were acknowledged", acknowledged.len());
    // The supervisor too: what it leaves behind is no hindrance.
    net.kill_supervisor();
    net.start();
    let read = running.runtime.block_on(async { read_all(&net.client(), "load/").await });
    let found: BTreeMap<String, u64> = read.iter().map(|(key, record)| (text(key), record.version)).collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|key| !found.contains_key(*key)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());
    assert!(found.values().all(|version| *version == 1), "none twice");
    net.ok(&["kv", "put", "after", "1", "--timeout", "60s"]);
    net.until_level();
    net.assert_no_panic();
}

/// Each put has a key of its own; a put whose answer did not come counts as unknown.
async fn write_until_killed(client: Arc<Client>, writer: usize, course: Arc<Course>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let key = format!("load/{writer}/{number}");
        let command = Command::put(key.as_str(), "x").encode();
        tokio::select! {
            submitted = client.submit(command) => {
                course.done.fetch_add(usize::from(submitted.is_ok()), Ordering::Relaxed);
                acknowledged.extend(submitted.is_ok().then_some(key));
            }
            () = until(&course.is_killed) => return acknowledged,
        }
    }
    acknowledged
}

async fn until(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn kill_all(dir: &std::path::Path) {
    let testnet = Testnet::open(dir).unwrap();
    let mut kills = tokio::task::JoinSet::new();
    for replica in 0..4 {
        let layout = testnet.layout().clone();
        kills.spawn(async move {
            send(&layout, &tetrarch_launcher::Command::Kill { whom: Whom::Replica(replica) }, PATIENCE).await.unwrap()
        });
    }
    kills.join_all().await;
}

#[test]
fn a_paused_primary_loses_its_place_and_comes_back() {
    let net = Net::up(4);
    net.ok(&["kv", "put", "before", "1"]);
    net.ok(&["testnet", "pause", "0"]);
    net.ok(&["kv", "put", "meanwhile", "1", "--timeout", "60s"]);
    let status = net.until("there is another primary", |status| status.view.is_some_and(|view| view > 0));
    assert_ne!(status.primary, Some(0));
    assert_eq!(status.replicas[0].state, ReplicaState::Paused);
    net.tetrarch(&["testnet", "pause", "0"]).assert_failed(1, &["is paused", "testnet resume 0"]);
    net.tetrarch(&["testnet", "resume", "1"]).assert_failed(1, &["is not paused"]);

    net.ok(&["testnet", "resume", "0"]);
    for number in 0..3 {
        net.ok(&["kv", "put", "after", &number.to_string(), "--timeout", "60s"]);
    }
    net.until_level();
    net.until("it is in the others' view", |status| status.replicas[0].view == status.view);
    // It counts again: with another one gone, it is needed.
    net.ok(&["testnet", "kill", "3"]);
    net.ok(&["kv", "put", "needed", "1", "--timeout", "60s"]);
    net.assert_no_panic();
}
