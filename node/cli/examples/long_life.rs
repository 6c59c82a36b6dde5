//! A testnet's long life in short: load, losses, comebacks. A command and not a test, because it takes its time.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p tetrarch-cli --example long_life -- target/release/tetrarch /tmp/long-life [--transactions 100000]
//!     [--clients 64] [--away 20000] [--storms 100] [--interval 128]
//! ```
//!
//! 1. *growth*: so many transactions through four replicas; a line for each twentieth with the disk and the memory of each replica.
//! 2. *away*: a replica is killed, more transactions follow, it is started: how long until it is level, its root equal to the others'.
//! 3. *wiped*: the same with its directory emptied.
//! 4. *storms*: all four are killed at once, under load, again and again; then every value that was ever acknowledged is looked for.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a command for developers: what goes wrong ends it")]
#![allow(clippy::print_stdout, reason = "its lines are what it is run for")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Testnet, Words};
use tetrarch_client::Client;
use tetrarch_kv::{Command, KvQuery, QueryResult};
use tokio::task::JoinSet;

/// Keys that the load writes to, in all: the state stays this large.
const KEYS: u64 = 10_000;

impl Testnet {
    fn replicas(&self) -> Vec<Value> {
        self.status("5s")["replicas"].as_array().unwrap().clone()
    }

    fn data(&self, replica: u64) -> PathBuf {
        self.dir.join(format!("replica-{replica}/data"))
    }

    /// Bytes on the disk of each replica, and in the memory of its process.
    fn sizes(&self) -> Vec<(u64, u64)> {
        let replica = |status: &Value| {
            let id = status["id"].as_u64().unwrap();
            (disk(&self.data(id)), status["pid"].as_u64().map_or(0, support::memory))
        };
        self.replicas().iter().map(replica).collect()
    }
}

/// Bytes below a directory; a file with several names counts once.
fn disk(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fn walk(dir: &Path, seen: &mut BTreeMap<u64, u64>) {
        let Ok(entries) = fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(data) if data.is_dir() => walk(&entry.path(), seen),
                Ok(data) => drop(seen.insert(data.ino(), data.blocks() * 512)),
                Err(_) => {}
            }
        }
    }
    let mut seen = BTreeMap::new();
    walk(dir, &mut seen);
    seen.values().sum()
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// Puts so many values, each client at its own keys, one after the other; what was acknowledged last for each key.
async fn load(clients: &[Arc<Client>], count: u64, done: &Arc<AtomicU64>, acknowledged: &Acknowledged) {
    let mut tasks = JoinSet::new();
    let next = Arc::new(AtomicU64::new(0));
    let share = KEYS / clients.len() as u64;
    for (number, client) in (0_u64..).zip(clients.iter().cloned()) {
        let (next, done, acknowledged) = (Arc::clone(&next), Arc::clone(done), Arc::clone(acknowledged));
        tasks.spawn(async move {
            let mut turn = 0;
            while next.fetch_add(1, Ordering::Relaxed) < count {
                turn += 1;
                put(&client, number * share + turn % share, &acknowledged).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

type Acknowledged = Arc<Mutex<BTreeMap<u64, u64>>>;

/// Puts the next value of a key until it is acknowledged.
async fn put(client: &Client, key: u64, acknowledged: &Acknowledged) {
    let value = acknowledged.lock().unwrap().get(&key).copied().unwrap_or(0) + 1;
    let text = format!("{value:0>256}");
    while client.submit(Command::put(format!("key-{key}"), text.as_str()).encode()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    acknowledged.lock().unwrap().insert(key, value);
}

async fn growth(testnet: &Testnet, clients: &[Arc<Client>], count: u64, acknowledged: &Acknowledged) {
    println!("transactions  seconds  MiB on disk (memory) of each replica");
    let (began, done) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    for step in 1..=20 {
        load(clients, count / 20, &done, acknowledged).await;
        let sizes = testnet.sizes();
        let shown: Vec<String> =
            sizes.iter().map(|(disk, memory)| format!("{} ({})", mebibytes(*disk), mebibytes(*memory))).collect();
        println!("{:>12}  {:>7.1}  {}", step * count / 20, began.elapsed().as_secs_f64(), shown.join("   "));
    }
}

/// A replica is killed, perhaps wiped, misses transactions, is started, and has to be level.
async fn away(testnet: &Testnet, clients: &[Arc<Client>], count: u64, wiped: bool, acknowledged: &Acknowledged) {
    testnet.run(&["testnet", "kill", "3"]);
    if wiped {
        fs::remove_dir_all(testnet.data(3)).unwrap();
    }
    load(clients, count, &Arc::new(AtomicU64::new(0)), acknowledged).await;
    let began = Instant::now();
    testnet.run(&["testnet", "start", "3"]);
    let level = loop {
        let replicas = testnet.replicas();
        let front = replicas.iter().take(3).filter_map(|it| it["executed"].as_u64()).max().unwrap_or(0);
        if replicas[3]["executed"].as_u64().is_some_and(|executed| executed >= front)
            && replicas[3]["transfer"].is_null()
        {
            break began.elapsed();
        }
        assert!(began.elapsed() < Duration::from_secs(300), "it never gets level: {}", replicas[3]);
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    equal_roots(testnet, clients, acknowledged).await;
    let replica = testnet.replicas().remove(3);
    println!(
        "{} {count} transactions: level again after {:.2} s; {}",
        if wiped { "wiped and away for" } else { "away for" },
        level.as_secs_f64(),
        replica["recovery"]
    );
}

/// Writes on until all four name one root for one checkpoint.
async fn equal_roots(testnet: &Testnet, clients: &[Arc<Client>], acknowledged: &Acknowledged) {
    for _ in 0..200 {
        load(clients, 400, &Arc::new(AtomicU64::new(0)), acknowledged).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let replicas = testnet.replicas();
        let of = |name: &str| replicas.iter().map(|it| it[name].to_string()).collect::<std::collections::BTreeSet<_>>();
        if of("stable_checkpoint").len() == 1 && of("state_root").len() == 1 {
            return;
        }
    }
    panic!("the roots never agree: {:?}", testnet.replicas());
}

async fn storms(testnet: &Testnet, clients: &[Arc<Client>], count: u64, acknowledged: &Acknowledged) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    let share = KEYS / clients.len() as u64;
    for (number, client) in (0_u64..).zip(clients.iter().cloned()) {
        let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(acknowledged));
        writers.spawn(async move {
            let mut turn = 0;
            while !stop.load(Ordering::Relaxed) {
                turn += 1;
                put(&client, number * share + turn % share, &acknowledged).await;
            }
        });
    }
    let before: u64 = acknowledged.lock().unwrap().values().sum();
    for round in 0..count {
        let pids: Vec<String> =
            testnet.replicas().iter().filter_map(|it| it["pid"].as_u64()).map(|it| it.to_string()).collect();
        assert!(Process::new("kill").arg("-9").args(&pids).status().unwrap().success());
        // At once, and not after the pause that the supervisor makes when a replica ends again and again.
        for replica in ["0", "1", "2", "3"] {
            testnet.run(&["testnet", "kill", replica]);
            testnet.run(&["testnet", "start", replica]);
        }
        let began = Instant::now();
        let target: u64 = acknowledged.lock().unwrap().values().sum::<u64>() + 100 + round % 7 * 37;
        while acknowledged.lock().unwrap().values().sum::<u64>() < target {
            assert!(began.elapsed() < Duration::from_secs(120), "nothing is acknowledged any more");
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let lost = lost(&clients[0], acknowledged).await;
    equal_roots(testnet, clients, acknowledged).await;
    let after: u64 = acknowledged.lock().unwrap().values().sum();
    println!(
        "{count} times all four killed under load: {} puts acknowledged, {lost} lost, roots equal",
        after - before
    );
    assert_eq!(lost, 0);
}

async fn lost(client: &Client, acknowledged: &Acknowledged) -> usize {
    let expected = acknowledged.lock().unwrap().clone();
    let mut lost = 0;
    for (key, value) in expected {
        let answer = client.read(KvQuery::get(format!("key-{key}")).encode()).await.unwrap();
        let found = QueryResult::decode(&answer.bytes).unwrap().selection().unwrap();
        let number = found.records.first().and_then(|(_, it)| String::from_utf8_lossy(&it.value).parse::<u64>().ok());
        if number.unwrap_or(0) < value {
            println!("key-{key}: {value} was acknowledged, {number:?} is there");
            lost += 1;
        }
    }
    lost
}

#[tokio::main]
async fn main() {
    let words = Words::given();
    let testnet = words.testnet();
    let (count, away_for) = (words.number("--transactions", 100_000), words.number("--away", 20_000));
    let interval = words.number("--interval", 128).to_string();
    testnet.run(&["testnet", "up", "--detach", "--reset", "--base-port", "7640", "--checkpoint-interval", &interval]);
    let clients: Vec<Arc<Client>> = testnet.clients(words.number("--clients", 64)).map(Arc::new).collect();
    let acknowledged = Acknowledged::default();
    if count > 0 {
        growth(&testnet, &clients, count, &acknowledged).await;
    }
    if away_for > 0 {
        away(&testnet, &clients, away_for, false, &acknowledged).await;
        away(&testnet, &clients, away_for, true, &acknowledged).await;
    }
    let rounds = words.number("--storms", 100);
    if rounds > 0 {
        storms(&testnet, &clients, rounds, &acknowledged).await;
    }
    testnet.run(&["testnet", "down"]);
}
