//! Starting twice, in the background, for a moment only, and after a supervisor that was killed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::e2e_support::process::{is_alive, wait};
use crate::e2e_support::{Net, PATIENCE};
use rustix::process::{Pid, Signal, kill_process};
use tetrarch_launcher::ReplicaState;

fn pids(net: &Net) -> Vec<u32> {
    net.status().replicas.iter().filter_map(|replica| replica.pid).collect()
}

/// A signal for the process that this test started.
fn signal(net: &mut Net, signal: Signal) {
    let pid = Pid::from_child(net.supervisor());
    kill_process(pid, signal).unwrap();
}

#[test]
fn the_second_up_says_that_it_is_running() {
    let mut net = Net::up(4);
    let pid = net.supervisor().id();
    let second = net.tetrarch(&["testnet", "up"]);
    assert_eq!(second.code, 0, "{second}");
    assert!(second.stderr.contains(&format!("process {pid}")) && second.stderr.contains("testnet status"), "{second}");
    net.tetrarch(&["testnet", "up", "--reset"]).assert_failed(7, &["is running"]);
    net.tetrarch(&["testnet", "up", "-n", "7"]).assert_failed(2, &["has 4 replicas, not 7"]);
    net.ok(&["kv", "put", "still", "here"]);
}

#[test]
fn ctrl_c_stops_everything_and_keeps_the_data() {
    let mut net = Net::up(4);
    net.ok(&["kv", "put", "kept", "1"]);
    let nodes = pids(&net);
    assert_eq!(nodes.len(), 4);
    signal(&mut net, Signal::INT);
    let status = wait(net.supervisor(), PATIENCE).unwrap();
    assert_eq!(status.code(), Some(0), "{}", net.up_words());
    assert!(net.up_words().contains("data is kept"), "{}", net.up_words());
    assert!(nodes.iter().all(|pid| !is_alive(*pid)));
    net.forget_supervisor();
    net.start();
    assert_eq!(net.ok(&["kv", "get", "kept"]).trim_end(), "1");
    net.assert_no_panic();
}

#[test]
fn nodes_do_not_outlive_a_killed_supervisor() {
    let mut net = Net::up(4);
    net.ok(&["kv", "put", "kept", "1"]);
    // A paused one, which cannot notice by itself, least of all.
    net.ok(&["testnet", "pause", "3"]);
    let nodes = pids(&net);
    net.kill_supervisor();
    let status = net.status();
    assert!(status.replicas.iter().all(|replica| replica.pid.is_none()), "{status:?}");
    let start = Instant::now();
    while nodes.iter().any(|pid| is_alive(*pid)) {
        assert!(start.elapsed() < PATIENCE, "{nodes:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(net.dir().join("control.sock").exists(), "what it left behind");
    net.tetrarch(&["testnet", "kill", "1"]).assert_failed(3, &["is not running"]);
    net.start();
    assert_eq!(net.ok(&["kv", "get", "kept"]).trim_end(), "1");
    // And at once, without waiting for them to end.
    net.kill_supervisor();
    net.start();
    assert_eq!(net.ok(&["kv", "get", "kept"]).trim_end(), "1");
    net.assert_no_panic();
}

#[test]
fn in_the_background() {
    let net = Net::vacant(4);
    let port = net.base_port.to_string();
    let up = net.tetrarch(&["testnet", "up", "--detach", "-n", "4", "--base-port", &port]);
    assert_eq!(up.code, 0, "{up}");
    assert!(up.stdout.contains("primary") && up.stderr.contains("tetrarch kv put"), "{up}");
    assert_eq!(net.json(&["kv", "put", "a", "1"])["needed"], 3, "it serves when `up` returns");
    let again = net.tetrarch(&["testnet", "up", "--detach"]);
    assert!(again.code == 0 && again.stderr.contains("is running"), "{again}");
    net.tetrarch(&["testnet", "down", "--wipe", "--dir", "/"]).assert_failed(7, &["is not a testnet directory"]);
    let nodes = pids(&net);
    net.ok(&["testnet", "down"]);
    assert!(nodes.iter().all(|pid| !is_alive(*pid)));
    assert!(net.ok(&["testnet", "down"]).contains("was not running"));
    net.assert_no_panic();

    // Why not is said, too, and by the exit code.
    for replica in 0..4 {
        std::fs::write(net.dir().join(format!("replica-{replica}/node.toml")), "nonsense = 1\n").unwrap();
    }
    let up = net.tetrarch(&["testnet", "up", "--detach"]);
    up.assert_failed(1, &["ends by itself", "nonsense"]);
    net.ok(&["testnet", "down", "--wipe"]);
    assert!(!net.dir().exists());
}

#[test]
fn for_a_moment_only() {
    let net = Net::vacant(4);
    let port = net.base_port.to_string();
    let temporary = net.home.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = net.command(&["testnet", "up", "--ephemeral", "--base-port", &port, "--output", "json"]);
    command.env("TMPDIR", &temporary).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let report: serde_json::Value = serde_json::from_str(&line).unwrap();
    let dir = report["dir"].as_str().unwrap();
    assert!(dir.starts_with(temporary.to_str().unwrap()));
    net.ok(&["kv", "put", "a", "1", "--dir", dir]);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = wait(&mut child, PATIENCE);
    if status.is_none() {
        let _ = child.kill();
    }
    assert_eq!(status.unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "nothing is left");
    net.tetrarch(&["testnet", "up", "--ephemeral", "--detach"]).assert_failed(2, &["cannot be used with"]);
}

#[test]
fn a_node_that_crashes_is_started_again() {
    let mut net = Net::up(4);
    let before = net.status().replicas[1].pid.unwrap();
    // Its key is taken away under it: it cannot start until it is back.
    net.ok(&["testnet", "kill", "1"]);
    std::fs::rename(net.dir().join("replica-1/key.pem"), net.home.path().join("away")).unwrap();
    net.ok(&["testnet", "start", "1"]);
    net.until("it crashes", |status| {
        status.replicas[1].reason.as_deref().is_some_and(|reason| reason.contains("last words"))
    });
    std::fs::rename(net.home.path().join("away"), net.dir().join("replica-1/key.pem")).unwrap();
    let status = net.until("it is back", |status| status.replicas[1].state == ReplicaState::Running);
    assert_ne!(status.replicas[1].pid, Some(before));
    net.ok(&["kv", "put", "a", "1"]);
    net.until_level();
    net.down();
    net.assert_no_panic();
}
