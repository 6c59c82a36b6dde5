//! Transactions, watches, leases, locks and elections by the native commands, on real processes.

use std::time::{Duration, Instant};

use crate::e2e_support::process::{Going, run};
use crate::e2e_support::{self, Net, PATIENCE};
use rustix::process::Signal;
use serde_json::{Value, json};

/// The lease of whoever is not to lose it, whatever the machine does for some seconds.
const KEPT: &str = "30s";

/// A command that goes on, and the JSON that it prints line by line.
struct Told(Going);

impl Told {
    fn start(net: &Net, arguments: &[&str]) -> Self {
        let mut command = net.command(arguments);
        command.args(["--output", "json", "--timeout", "60s"]);
        Self(Going::start(command))
    }

    /// Its next line.
    #[track_caller]
    fn next(&mut self) -> Value {
        self.next_within(PATIENCE).unwrap()
    }

    fn next_within(&mut self, patience: Duration) -> Option<Value> {
        let line = self.0.line(patience)?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}")))
    }

    /// SIGINT, as by Ctrl-C.
    #[track_caller]
    fn interrupt(mut self) -> i32 {
        self.0.signal(Signal::INT);
        self.0.ended(PATIENCE).code().unwrap_or(-1)
    }
}

fn txn(net: &Net, text: &str) -> e2e_support::process::Done {
    let mut command = net.command(&["kv", "txn", "--output", "json", "--timeout", "60s"]);
    command.env("NO_COLOR", "1");
    run(command, text.as_bytes(), PATIENCE)
}

#[test]
fn transactions_watches_leases_locks_and_elections() {
    let net = Net::up(4);
    transactions(&net);
    watches(&net);
    leases(&net);
    locks(&net);
    elections(&net);
    net.assert_no_panic();
}

fn transactions(net: &Net) {
    let done = txn(net, "version(t) = 0\n\nput t 'first one'\nget t\n\nget t\n");
    assert_eq!(done.code, 0, "{done}");
    let object: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&object["succeeded"], &object["needed"]), (&json!(true), &json!(3)));
    assert_eq!(object["responses"][1]["kvs"][0]["value"], "first one");
    let done = txn(net, "version(t) = 0\n\nput t again\n\nget t\n");
    done.assert_failed(5, &["the compares do not hold"]);
    let object: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&object["succeeded"], &object["responses"][0]["kvs"][0]["value"]),
        (&json!(false), &json!("first one"))
    );
    txn(net, "version(t) is 0\n").assert_failed(2, &["line 1", "a compare is like", "--help"]);
    txn(net, "\nput t 1\nput t 2\n").assert_failed(2, &["duplicate key"]);
}

fn watches(net: &Net) {
    let from = net.json(&["kv", "put", "w/a", "1"])["revision"].as_u64().unwrap();
    net.ok(&["kv", "put", "other", "x"]);
    net.ok(&["kv", "put", "w/b", "2"]);
    net.ok(&["kv", "del", "w/a"]);
    let rev = from.to_string();
    let mut past = Told::start(net, &["kv", "watch", "w/", "--prefix", "--rev", &rev, "--prev", "--count", "3"]);
    let told: Vec<Value> = (0..3).map(|_| past.next()).collect();
    let of = |told: &Value| (told["event"].clone(), told["key"].clone(), told["revision"].as_u64().unwrap() - from);
    assert_eq!(
        told.iter().map(of).collect::<Vec<_>>(),
        [(json!("put"), json!("w/a"), 0), (json!("put"), json!("w/b"), 2), (json!("delete"), json!("w/a"), 3)]
    );
    assert_eq!((&told[2]["prev_kv"]["value"], &told[1]["kv"]["value"]), (&json!("1"), &json!("2")));
    assert!(past.0.ended(PATIENCE).success());

    // From now on, and on when a replica dies.
    let mut now = Told::start(net, &["kv", "watch", "w/", "--prefix"]);
    // It says nothing until something happens behind its start.
    let began = Instant::now();
    while now.next_within(Duration::from_millis(200)).is_none() {
        assert!(began.elapsed() < PATIENCE);
        net.ok(&["kv", "put", "w/n", "0"]);
    }
    net.ok(&["testnet", "kill", "0"]);
    let last = net.json(&["kv", "put", "w/n", "last", "--timeout", "60s"])["revision"].clone();
    let told = std::iter::from_fn(|| Some(now.next())).find(|told| told["revision"] == last).unwrap();
    assert_eq!(told["kv"]["value"], "last");
    net.ok(&["testnet", "start", "0"]);
    assert_eq!(now.interrupt(), 130);
}

fn leases(net: &Net) {
    let granted = net.json(&["lease", "grant", "60s"]);
    let id = granted["lease"].as_str().unwrap();
    assert_eq!(granted["ttl"], 60);
    net.ok(&["kv", "put", "l", "on it", "--lease", id]);
    let shown = net.json(&["lease", "show", id]);
    assert_eq!((&shown["granted_ttl"], &shown["keys"]), (&json!(60), &json!([{ "key": "l" }])));
    assert!((1..=60).contains(&shown["ttl"].as_u64().unwrap()), "{shown}");
    assert!(net.json(&["lease", "list"])["leases"].as_array().unwrap().contains(&json!(id)));
    assert_eq!(net.json(&["lease", "keep-alive", id, "--once"])["ttl"], 60);
    net.ok(&["lease", "revoke", id]);
    net.tetrarch(&["kv", "get", "l"]).assert_failed(1, &["no such key"]);
    net.tetrarch(&["lease", "show", id]).assert_failed(5, &["has ended"]);
    net.tetrarch(&["lease", "keep-alive", id]).assert_failed(5, &["has ended"]);
    net.tetrarch(&["lease", "revoke", id]).assert_failed(1, &["lease not found"]);
    net.tetrarch(&["kv", "put", "l", "x", "--lease", "zz"]).assert_failed(2, &["hexadecimal"]);

    // Nobody keeps it alive, and nothing else happens: it ends all the same. On a busy machine it may end before anything hangs on it.
    let is_held = |_| {
        let short = net.json(&["lease", "grant", "5s"]);
        net.tetrarch(&["kv", "put", "short", "x", "--lease", short["lease"].as_str().unwrap()]).code == 0
    };
    assert!((0..10).any(is_held), "a lease in time");
    let start = Instant::now();
    while net.tetrarch(&["kv", "get", "short"]).code == 0 {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn locks(net: &Net) {
    let fence = || {
        let done = net.tetrarch(&[
            "lock",
            "job",
            "--ttl",
            KEPT,
            "--timeout",
            "60s",
            "--",
            "sh",
            "-c",
            "echo $TETRARCH_FENCE; exit 7",
        ]);
        assert_eq!(done.code, 7, "{done}");
        done.stdout.trim().parse::<u64>().unwrap()
    };
    let first = fence();
    let mut holder = Told::start(net, &["lock", "job", "--ttl", "5s"]);
    let held = holder.next();
    assert!(held["fence"].as_u64().unwrap() > first && held["key"].as_str().unwrap().starts_with("job/"), "{held}");
    let mut second = Told::start(net, &["lock", "job", "--ttl", KEPT]);
    // A holder that is stopped loses it to the next one, whose number is larger, and finds that out when it goes on.
    holder.0.signal(Signal::STOP);
    let next = second.next();
    assert!(next["fence"].as_u64() > held["fence"].as_u64(), "{held} {next}");
    holder.0.signal(Signal::CONT);
    assert_eq!(holder.0.ended(PATIENCE).code(), Some(5), "lock not held");
    assert_eq!(second.interrupt(), 130);
    assert!(fence() > next["fence"].as_u64().unwrap(), "it was given back at once");
    net.tetrarch(&["lock", "job", "--", "/no/such/program"]).assert_failed(2, &["does not start"]);
}

fn elections(net: &Net) {
    let mut first = Told::start(net, &["elect", "boss", "one", "--ttl", KEPT]);
    let leads = first.next();
    assert_eq!(leads["value"], "one");
    let mut observer = Told::start(net, &["elect", "boss", "--listen"]);
    assert_eq!(observer.next()["fence"], leads["fence"]);
    let mut second = Told::start(net, &["elect", "boss", "two", "--ttl", KEPT]);
    assert_eq!(first.interrupt(), 130);
    let next = second.next();
    assert!(next["value"] == "two" && next["fence"].as_u64() > leads["fence"].as_u64(), "{next}");
    assert_eq!(observer.next(), json!({ "key": next["key"], "value": "two", "fence": next["fence"] }));
    assert_eq!(second.interrupt(), 130);
    net.tetrarch(&["elect", "boss"]).assert_failed(2, &["VALUE"]);
}
