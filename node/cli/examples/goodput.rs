//! What f faulty replicas cost: goodput beside the fault-free one, and how long a lost primary stops everything. Real processes, real
//! QUIC, real disks. A command and not a test, because it takes its time and its numbers are the machine's.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p tetrarch-cli --example goodput -- target/release/tetrarch /tmp/goodput [--n 4] [--clients 64]
//!     [--seconds 15] [--rounds 40] [--mode slow] [--seed 1]
//! ```
//!
//! 1. *goodput*: so many clients, each with one put under way at a time. For each mode (or the one given) f replicas are corrupted. First
//!    as backups; then the primary is paused until the view has passed to one of them, and counted is from there on. The fault-free figure
//!    is the mean of a window just before and one after, since a machine is not equally busy all the time.
//! 2. *recovery*: under the same load the primary is killed, again and again; counted is the longest time without any answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a command for developers: what goes wrong ends it")]
#![allow(clippy::print_stdout, reason = "its lines are what it is run for")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::{Testnet, Words};
use tetrarch_client::Client;
use tetrarch_kv::Command;
use tokio::task::JoinSet;

/// The replicas' base timeout: `testnet up` leaves it as it is by default.
const BASE_TIMEOUT: Duration = Duration::from_secs(1);

/// The modes that are measured.
const MODES: [&str; 5] = ["slow", "silent", "censor", "equivocate", "flood"];

/// How long a liar is given to be connected and level again.
const SETTLING: Duration = Duration::from_secs(2);

/// How long after a kill answers may stay away and still be seen.
const LOOK: Duration = Duration::from_secs(6);

/// How long a status waits for replicas that do not answer.
const STATUS_TIMEOUT: &str = "300ms";

/// When each operation was answered, and how long it took.
type Answers = Arc<Mutex<Vec<(Instant, Duration)>>>;

impl Testnet {
    fn primary(&self) -> u64 {
        self.status(STATUS_TIMEOUT)["primary"].as_u64().expect("enough replicas answer")
    }

    fn tell(&self, verb: &str, replica: u64, rest: &[&str]) {
        self.run(&[&["testnet", verb, &replica.to_string()], rest].concat());
    }

    /// Pauses the primary until the others have given it up.
    async fn depose(&self) {
        let primary = self.primary();
        self.tell("pause", primary, &[]);
        let began = Instant::now();
        while self.primary() == primary {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the view does not change: {}",
                self.status(STATUS_TIMEOUT)
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.tell("resume", primary, &[]);
    }

    /// All are honest, answer, vote, and have executed about the same.
    async fn until_whole(&self) {
        let began = Instant::now();
        loop {
            let status = self.status(STATUS_TIMEOUT);
            let replicas = status["replicas"].as_array().unwrap();
            let executed = || replicas.iter().map(|it| it["executed"].as_u64().unwrap_or(0));
            let spread = executed().max().unwrap() - executed().min().unwrap();
            if replicas.iter().all(|it| it["state"] == "running") && spread < 64 {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "not whole again: {status}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn work(client: Client, number: u64, stop: Arc<AtomicBool>, answers: Answers) {
    let value = "x".repeat(256);
    for turn in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let began = Instant::now();
        let key = format!("key-{number}-{}", turn % 64);
        if client.submit(Command::put(key, value.as_str()).encode()).await.is_ok() {
            answers.lock().unwrap().push((Instant::now(), began.elapsed()));
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What was answered in a stretch of time.
struct Window {
    rate: f64,
    p50: Duration,
    p99: Duration,
    gap: Duration,
}

fn window(answers: &Answers, from: Instant, to: Instant) -> Window {
    let inside: Vec<(Instant, Duration)> =
        answers.lock().unwrap().iter().filter(|(at, _)| (from..to).contains(at)).copied().collect();
    let mut took: Vec<Duration> = inside.iter().map(|(_, took)| *took).collect();
    let mut instants: Vec<Instant> = inside.iter().map(|(at, _)| *at).chain([from, to]).collect();
    instants.sort_unstable();
    let gap = instants.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    let rate = inside.len() as f64 / (to - from).as_secs_f64();
    Window { rate, p50: quantile(&mut took, 0.5), p99: quantile(&mut took, 0.99), gap }
}

fn quantile(spans: &mut [Duration], part: f64) -> Duration {
    spans.sort_unstable();
    spans.get((spans.len().saturating_sub(1) as f64 * part).round() as usize).copied().unwrap_or_default()
}

async fn watch(answers: &Answers, span: Duration) -> Window {
    let from = Instant::now();
    tokio::time::sleep(span).await;
    window(answers, from, from + span)
}

/// f liars for a while, the primary among them or not.
async fn measure(testnet: &Testnet, answers: &Answers, lie: (&str, u64), with_primary: bool, span: Duration) {
    let (mode, seed) = (lie.0, lie.1.to_string());
    let before = watch(answers, span / 2).await;
    let status = testnet.status(STATUS_TIMEOUT);
    let (n, f) = (status["n"].as_u64().unwrap(), status["f"].as_u64().unwrap());
    let first = status["primary"].as_u64().unwrap() + 1;
    let liars: Vec<u64> = (first..first + f).map(|it| it % n).collect();
    liars.iter().for_each(|liar| testnet.tell("corrupt", *liar, &["--mode", mode, "--seed", &seed]));
    tokio::time::sleep(SETTLING).await;
    let from = Instant::now();
    if with_primary {
        testnet.depose().await;
    }
    tokio::time::sleep(span).await;
    let now = Instant::now();
    let (whole, end) = (window(answers, from, now), window(answers, now - span / 2, now));
    let still_primary = liars.contains(&testnet.primary());
    liars.iter().for_each(|liar| testnet.tell("start", *liar, &[]));
    testnet.until_whole().await;
    let after = watch(answers, span / 2).await;
    let free = f64::midpoint(before.rate, after.rate);
    println!(
        "{mode:<11} {:<8} {free:>10.0} {:>8.0} {:>6.0} % {:>8.0} {:>6.0} % {:>7} {:>7} {:>7}  {}",
        if with_primary { "primary" } else { "backups" },
        whole.rate,
        100.0 * whole.rate / free,
        end.rate,
        100.0 * end.rate / free,
        end.p50.as_millis(),
        end.p99.as_millis(),
        whole.gap.as_millis(),
        if still_primary { "a liar is primary at the end" } else { "" }
    );
}

/// Kills the primary again and again; the longest time without an answer behind each kill.
async fn recovery(testnet: &Testnet, answers: &Answers, rounds: u64) {
    let mut gaps = Vec::new();
    for _ in 0..rounds {
        let primary = testnet.primary();
        let from = Instant::now();
        testnet.tell("kill", primary, &[]);
        tokio::time::sleep(LOOK).await;
        gaps.push(window(answers, from, from + LOOK).gap);
        testnet.tell("start", primary, &[]);
        testnet.until_whole().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let [p50, p99] = [0.5, 0.99].map(|part| quantile(&mut gaps, part));
    let (best, worst) = (gaps[0].as_millis(), gaps[gaps.len() - 1].as_millis());
    println!(
        "\nthe primary killed {rounds} times under load: no answer for {best} to {worst} ms, p50 {} ms, p99 {} ms; three base timeouts are {} ms",
        p50.as_millis(),
        p99.as_millis(),
        (3 * BASE_TIMEOUT).as_millis()
    );
}

#[tokio::main]
async fn main() {
    let words = Words::given();
    let testnet = words.testnet();
    let n = words.number("--n", 4).to_string();
    testnet.run(&["testnet", "up", "--detach", "--reset", "-n", &n, "--base-port", "7680"]);
    let (stop, answers, mut clients) = (Arc::<AtomicBool>::default(), Answers::default(), JoinSet::new());
    for (number, client) in (0..).zip(testnet.clients(words.number("--clients", 64))) {
        clients.spawn(work(client, number, Arc::clone(&stop), Arc::clone(&answers)));
    }
    let span = Duration::from_secs(words.number("--seconds", 15));
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!("mode        liars    fault-free      all  share     end  share  p50 ms  p99 ms  gap ms");
    let asked = words.option("--mode");
    for mode in MODES.into_iter().filter(|mode| asked.is_none_or(|asked| asked == *mode)) {
        for with_primary in [false, true] {
            measure(&testnet, &answers, (mode, words.number("--seed", 1)), with_primary, span).await;
        }
    }
    let rounds = words.number("--rounds", 40);
    if rounds > 0 {
        recovery(&testnet, &answers, rounds).await;
    }
    stop.store(true, Ordering::Relaxed);
    clients.join_all().await;
    testnet.run(&["testnet", "down"]);
}
