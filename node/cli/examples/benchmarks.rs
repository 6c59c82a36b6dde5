//! Everything that is said of speed, measured in one run, on one machine, beside an etcd of three members where one is installed. Writes a page of
//! tables. A command and not a test, because it takes half an hour and its numbers are the machine's.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p tetrarch-cli --example benchmarks -- target/release/tetrarch /tmp/benchmarks [--seconds 10] [--page specs/benchmarks.md]
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a command for developers: what goes wrong ends it")]
#![allow(clippy::print_stdout, reason = "its lines are what it is run for")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use support::{Testnet, Words};
use tetrarch_bench::EtcdMembers;

/// Where the testnets' replicas and gateway are.
const BASE_PORT: &str = "7720";
const GATEWAY: &str = "127.0.0.1:7790";

/// Sizes of clusters.
const SIZES: [u64; 4] = [4, 7, 10, 13];

/// Keys in the store, for growth.
const STORES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// How long an idle cluster is looked at.
const IDLE: Duration = Duration::from_secs(30);

struct Suite {
    testnet: Testnet,
    seconds: String,
    page: String,
}

impl Suite {
    /// A cluster of this size, and nothing in it.
    fn up(&self, n: u64) {
        let n = n.to_string();
        let gateway = GATEWAY.rsplit_once(':').unwrap().1;
        let words =
            ["testnet", "up", "--detach", "--reset", "-n", &n, "--base-port", BASE_PORT, "--gateway-port", gateway];
        self.testnet.run_with_gateway(&words);
    }

    fn down(&self) {
        self.testnet.run(&["testnet", "down"]);
    }

    fn bench(&self, words: &str) -> Value {
        println!("tetrarch bench {words}");
        let rest = ["--duration", &self.seconds, "--timeout", "30s", "--output", "json"];
        let words: Vec<&str> = ["bench"].into_iter().chain(words.split(' ')).chain(rest).collect();
        let report: Value = serde_json::from_str(&self.testnet.run(&words)).unwrap();
        assert_eq!(report["failed"], 0, "{report}");
        report
    }

    fn line(&mut self, line: &str) {
        println!("{line}");
        writeln!(self.page, "{line}").unwrap();
    }

    fn table(&mut self, title: &str, head: &str) {
        self.line(&format!("\n## {title}\n\n{head}"));
        self.line(&format!("|{}", "---|".repeat(head.matches('|').count() - 1)));
    }

    /// Straight to the replicas, beside what signatures allow.
    fn signed(&mut self) {
        self.table(
            "Signed transactions, straight to the replicas (n = 4)",
            "| load | operations/s | p50 ms | p99 ms | signature limit/s | share of it |",
        );
        self.up(4);
        for load in [
            "put --clients 1",
            "put --clients 64 --distinct-keys",
            "put --clients 256 --distinct-keys",
            "put --clients 1024 --distinct-keys",
            "put --clients 256",
            "put --clients 256 --keys 1",
            "put --clients 64 --bundle 128 --size 512",
            "txn --clients 64 --distinct-keys",
            "get --clients 64",
            "mixed --clients 64",
        ] {
            let report = self.bench(load);
            let limit =
                report["signature_limit_ops_per_s"].as_f64().map_or_else(String::new, |limit| format!("{limit:.0}"));
            let share = report["of_signature_limit"].as_f64().map_or_else(String::new, |share| format!("{share:.2}"));
            self.line(&format!("| `{load}` | {} | {limit} | {share} |", figures(&report)));
        }
        self.down();
    }

    /// Through the gateway, and the same of an etcd.
    fn beside(&mut self, etcd: &EtcdMembers) {
        self.table(
            "Through the gateway, beside an etcd of three members",
            "| load | operations/s | p50 ms | p99 ms | etcd: operations/s | p50 ms | p99 ms | ratio of operations/s | of p50 |",
        );
        self.up(4);
        for operation in ["put", "get", "watch"] {
            for clients in [1, 16, 256] {
                let load = format!("{operation} --clients {clients}");
                let ours = self.bench(&format!("{load} --endpoint {GATEWAY}"));
                let theirs = self.bench(&format!("{load} --endpoint {}", etcd.address()));
                let rate = number(&ours, "/ops_per_s") / number(&theirs, "/ops_per_s");
                let p50 = number(&ours, "/latency_ms/p50") / number(&theirs, "/latency_ms/p50");
                let line = format!("| `{load}` | {} | {} | {rate:.2} | {p50:.2} |", figures(&ours), figures(&theirs));
                self.line(&line);
            }
        }
        self.down();
    }

    fn sizes(&mut self) {
        self.table(
            "Larger clusters: `put --clients 256 --distinct-keys`, all on this machine",
            "| n | operations/s | p50 ms | p99 ms | operations/s times n | share of the signature limit |",
        );
        for n in SIZES {
            self.up(n);
            let report = self.bench("put --clients 256 --distinct-keys");
            let times_n = number(&report, "/ops_per_s") * n as f64;
            let share = number(&report, "/of_signature_limit");
            self.line(&format!("| {n} | {} | {times_n:.0} | {share:.2} |", figures(&report)));
            self.down();
        }
    }

    fn stores(&mut self) {
        self.table(
            "Larger stores: `put --clients 256 --distinct-keys` on so many keys that are there",
            "| keys | operations/s | p50 ms | p99 ms |",
        );
        self.up(4);
        for keys in STORES {
            // Reads prepare all the keys that they read.
            self.bench(&format!("get --clients 256 --keys {keys}"));
            let report = self.bench(&format!("put --clients 256 --distinct-keys --keys {keys}"));
            self.line(&format!("| {keys} | {} |", figures(&report)));
        }
        self.down();
    }

    fn faults(&mut self) {
        self.table(
            "The primary killed under load (base timeout 1 s)",
            "| load | operations/s | p50 ms | p99 ms | longest gap ms |",
        );
        self.up(4);
        for load in
            ["put --clients 64 --fault kill-primary@1s", "put --clients 1024 --distinct-keys --fault kill-primary@1s"]
        {
            let report = self.bench(load);
            self.line(&format!("| `{load}` | {} | {:.0} |", figures(&report), number(&report, "/longest_gap_ms")));
            std::thread::sleep(Duration::from_secs(5));
        }
        self.down();
    }

    /// More than the cluster can do: it is to slow its clients down, and nothing else.
    fn overload(&mut self) {
        self.table(
            "Overload: the view afterwards is to be 0, since nobody failed",
            "| load | operations/s | p50 ms | p99 ms | longest gap ms | view | memory of the largest replica, MiB |",
        );
        for load in ["put --clients 2048 --distinct-keys", "put --clients 256 --bundle 128 --size 512"] {
            self.up(4);
            let report = self.bench(load);
            let gap = number(&report, "/longest_gap_ms");
            let replicas = self.replicas();
            let view = replicas.iter().filter_map(|replica| replica["view"].as_u64()).max().unwrap();
            let memory =
                replicas.iter().map(|replica| support::memory(replica["pid"].as_u64().unwrap()) >> 20).max().unwrap();
            self.line(&format!("| `{load}` | {} | {gap:.0} | {view} | {memory} |", figures(&report)));
            if view > 0 {
                self.tell_of_views(replicas.len());
            }
            self.down();
        }
    }

    /// What the replicas said about views: the next testnet takes it away, and the page says only that something happened.
    fn tell_of_views(&self, replicas: usize) {
        for replica in 0..replicas {
            let log = self.testnet.run(&["testnet", "logs", &replica.to_string()]);
            log.lines().filter(|line| line.contains("view")).for_each(|line| println!("replica {replica}: {line}"));
        }
    }

    fn replicas(&self) -> Vec<Value> {
        self.testnet.status("5s")["replicas"].as_array().unwrap().clone()
    }

    fn idle(&mut self) {
        self.table("Idle for 30 s, n = 4", "| replica | processor | written |");
        self.up(4);
        std::thread::sleep(Duration::from_secs(5));
        let pids: Vec<u64> = self.replicas().iter().map(|replica| replica["pid"].as_u64().unwrap()).collect();
        let before: Vec<(u64, u64)> = pids.iter().map(|pid| used(*pid)).collect();
        std::thread::sleep(IDLE);
        for (replica, (pid, (ticks, written))) in pids.iter().zip(before).enumerate() {
            let (now, bytes) = used(*pid);
            // A tick of the kernel's accounts is a hundredth of a second.
            let share = (now - ticks) as f64 / IDLE.as_secs_f64();
            self.line(&format!("| {replica} | {share:.2} % | {} bytes |", bytes - written));
        }
        self.down();
    }
}

/// Ticks of processor time that a process has used, and bytes that it has had written to disk.
fn used(pid: u64) -> (u64, u64) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks = |place: usize| fields[place].parse::<u64>().unwrap();
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap().parse().unwrap();
    (ticks(11) + ticks(12), written)
}

fn number(report: &Value, place: &str) -> f64 {
    report.pointer(place).and_then(Value::as_f64).unwrap_or_else(|| panic!("{place}: {report}"))
}

/// Rate, p50 and p99, as cells.
fn figures(report: &Value) -> String {
    let latency = |name: &str| number(report, &format!("/latency_ms/{name}"));
    format!("{:.0} | {:.2} | {:.2}", number(report, "/ops_per_s"), latency("p50"), latency("p99"))
}

/// The first line of a file or of what a command prints, behind a colon if there is one.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("a processor").to_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!("{cores} cores of {model}, Linux {}, load {load} before the run", kernel.trim())
}

#[tokio::main]
async fn main() {
    let words = Words::given();
    let seconds = format!("{}s", words.number("--seconds", 10));
    let mut suite = Suite { testnet: words.testnet(), seconds: seconds.clone(), page: String::new() };
    let data = tempfile::tempdir().unwrap();
    suite.line("# Benchmarks\n");
    suite.line(&format!("One run of `make bench` on {}. Each figure is of {seconds}.", machine()));
    suite.line("Everything runs on this one machine: all replicas, the gateway, the load, and, while it is compared with, etcd.");
    suite.line("Values are of 256 bytes where nothing else is said; each write is signed, ordered by all, and durable before it is answered.");
    suite.signed();
    match EtcdMembers::start(data.path()).await {
        Ok(etcd) => suite.beside(&etcd),
        Err(error) => suite.line(&format!("\netcd is not compared with: {error}.")),
    }
    suite.sizes();
    suite.stores();
    suite.faults();
    suite.overload();
    suite.idle();
    if let Some(page) = words.option("--page") {
        fs::write(page, &suite.page).unwrap();
    }
}
