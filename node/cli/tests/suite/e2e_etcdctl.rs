//! Debian's etcdctl, unmodified, on a cluster of real processes: every command that is served, once. What each prints in every case,
//! `node/gateway/tests` compares with a real etcd.

use crate::e2e_support::gateway::{etcdctl, etcdctl_going};
use crate::e2e_support::process::Going;
use crate::e2e_support::{Net, PATIENCE};
use crate::installed::has_etcdctl;
use rustix::process::Signal;
use serde_json::Value;

struct Scene {
    net: Net,
}

impl Scene {
    /// What it prints, when all goes well.
    #[track_caller]
    fn says(&self, words: &[&str]) -> String {
        self.says_of(words, "")
    }

    #[track_caller]
    fn says_of(&self, words: &[&str], input: &str) -> String {
        let done = etcdctl(&self.net.gateway().to_string(), words, input);
        assert_eq!(done.code, 0, "{words:?}: {done}");
        done.stdout + &done.stderr
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.says(&[words, &["--write-out", "json"]].concat())).unwrap()
    }

    /// What went wrong.
    #[track_caller]
    fn refused(&self, words: &[&str]) -> String {
        let done = etcdctl(&self.net.gateway().to_string(), words, "");
        assert_ne!(done.code, 0, "{words:?}: {done}");
        done.stderr
    }
}

#[test]
fn every_command_works_on_a_cluster() {
    if !has_etcdctl() {
        return;
    }
    let scene = Scene { net: Net::up_with_gateway() };
    keys(&scene);
    watches(&scene);
    leases(&scene);
    turns(&scene);
    compaction(&scene);
    maintenance(&scene);
    leader(&scene);
    scene.net.assert_no_panic();
}

fn keys(scene: &Scene) {
    assert_eq!(scene.says(&["put", "hello", "world"]), "OK\n");
    assert_eq!(scene.says(&["get", "hello"]), "hello\nworld\n");
    assert_eq!(scene.says(&["get", "hello", "--consistency", "s"]), "hello\nworld\n");
    let before = scene.json(&["get", "hello"])["header"]["revision"].to_string();
    let txn = "value(\"hello\") = \"world\"\n\nput hello again\n\nput hello never\n\n";
    assert!(scene.says_of(&["txn"], txn).contains("SUCCESS"));
    assert!(
        scene.says_of(&["txn"], "value(\"hello\") = \"world\"\n\nput hello never\n\nget hello\n\n").contains("FAILURE")
    );
    assert_eq!(scene.says(&["get", "hello", "--print-value-only"]), "again\n");
    assert_eq!(scene.says(&["get", "hello", "--rev", &before]), "hello\nworld\n");
    for (key, value) in [("a1", "3"), ("a2", "1"), ("a3", "2")] {
        scene.says(&["put", key, value]);
    }
    assert_eq!(scene.says(&["get", "a", "--prefix", "--keys-only"]), "a1\n\na2\n\na3\n\n");
    assert_eq!(scene.says(&["get", "a", "--prefix", "--sort-by", "VALUE", "--limit", "2"]), "a2\n1\na3\n2\n");
    assert_eq!(scene.says(&["get", "a1", "a3", "--order", "DESCEND"]), "a2\n1\na1\n3\n");
    let counted = scene.json(&["get", "a", "--prefix", "--limit", "1"]);
    assert!(counted["count"] == 3 && counted["more"] == true, "{counted}");
    assert_eq!(scene.says(&["del", "a", "--prefix", "--prev-kv"]), "3\na1\n3\na2\n1\na3\n2\n");
    assert_eq!(scene.says(&["del", "hello"]), "1\n");
    assert_eq!(scene.says(&["get", "hello"]), "");
}

/// Its next lines.
#[track_caller]
fn lines(of: &Going, count: usize) -> Vec<String> {
    (0..count).map(|_| of.line(PATIENCE).unwrap()).collect()
}

fn watches(scene: &Scene) {
    let first = scene.json(&["put", "w/a", "1"])["header"]["revision"].to_string();
    scene.says(&["put", "elsewhere", "x"]);
    scene.says(&["del", "w/a"]);
    let watch = etcdctl_going(&scene.net, &["watch", "w/", "--prefix", "--rev", &first, "--prev-kv"]);
    assert_eq!(lines(&watch, 3), ["PUT", "w/a", "1"]);
    assert_eq!(lines(&watch, 5), ["DELETE", "w/a", "1", "w/a", ""]);
    scene.says(&["put", "w/b", "2"]);
    assert_eq!(lines(&watch, 3), ["PUT", "w/b", "2"]);
}

/// A lease from its grant to its end, with what hangs on it.
fn leases(scene: &Scene) {
    let granted = scene.says(&["lease", "grant", "100"]);
    let lease = granted.split_whitespace().nth(1).unwrap();
    assert_eq!(scene.says(&["put", "session", "mine", "--lease", lease]), "OK\n");
    let left = scene.says(&["lease", "timetolive", lease, "--keys"]);
    assert!(left.contains("granted with TTL(100s), remaining(") && left.contains("session"), "{left}");
    let seconds: u64 = left.split("remaining(").nth(1).unwrap().split('s').next().unwrap().parse().unwrap();
    assert!((1..=100).contains(&seconds), "{left}");
    assert!(scene.says(&["lease", "keep-alive", "--once", lease]).contains("keepalived with TTL(100)"));
    let kept = etcdctl_going(&scene.net, &["lease", "keep-alive", lease]);
    assert!(lines(&kept, 1)[0].contains("keepalived with TTL(100)"));
    assert!(scene.says(&["lease", "list"]).contains(lease));
    assert!(scene.says(&["lease", "revoke", lease]).contains("revoked"));
    assert_eq!(scene.says(&["get", "session"]), "", "it went with its lease");
}

/// The lock and the election each go from one to the next when the first is interrupted.
fn turns(scene: &Scene) {
    assert_eq!(scene.says(&["lock", "once", "echo", "held"]), "held\n");
    let mut first = etcdctl_going(&scene.net, &["lock", "job"]);
    assert!(lines(&first, 1)[0].starts_with("job/"));
    let second = etcdctl_going(&scene.net, &["lock", "job"]);
    first.signal(Signal::INT);
    assert!(first.ended(PATIENCE).success());
    assert!(lines(&second, 1)[0].starts_with("job/"));

    let mut first = etcdctl_going(&scene.net, &["elect", "boss", "one"]);
    let leads = lines(&first, 2);
    assert!(leads[0].starts_with("boss/") && leads[1] == "one", "{leads:?}");
    let observer = etcdctl_going(&scene.net, &["elect", "boss", "--listen"]);
    assert_eq!(lines(&observer, 2), leads);
    let second = etcdctl_going(&scene.net, &["elect", "boss", "two"]);
    first.signal(Signal::INT);
    first.ended(PATIENCE);
    let leads = lines(&second, 2);
    assert!(leads[0].starts_with("boss/") && leads[1] == "two", "{leads:?}");
    assert_eq!(lines(&observer, 2), leads);
}

fn compaction(scene: &Scene) {
    scene.says(&["put", "old", "1"]);
    let now = scene.json(&["put", "old", "2"])["header"]["revision"].as_u64().unwrap();
    assert_eq!(scene.says(&["compaction", &now.to_string()]), format!("compacted revision {now}\n"));
    let refused = scene.refused(&["get", "old", "--rev", &(now - 1).to_string()]);
    assert!(refused.contains("etcdserver: mvcc: required revision has been compacted"), "{refused}");
    assert_eq!(scene.says(&["get", "old", "--rev", &now.to_string()]), "old\n2\n");
}

/// The leader is moved to the next member; no other can follow, and nobody within a minute.
fn leader(scene: &Scene) {
    let members = scene.says(&["member", "list"]);
    let ids: Vec<&str> = members.lines().map(|line| line.split(',').next().unwrap()).collect();
    let leads = || {
        let leader = scene.json(&["endpoint", "status"])[0]["Status"]["leader"].as_u64().unwrap();
        ids.iter().position(|id| u64::from_str_radix(id, 16) == Ok(leader)).unwrap()
    };
    let (first, [next, later]) = (leads(), [1, 2].map(|turns| ids[(leads() + turns) % ids.len()]));
    assert_eq!(scene.says(&["move-leader", ids[first]]), transferred(ids[first], ids[first]), "it leads already");
    assert!(scene.refused(&["move-leader", "1234"]).contains("etcdserver: bad leader transferee"));
    let refused = scene.refused(&["move-leader", later]);
    assert!(refused.contains("replicas lead in turn") && refused.contains(next), "{refused}");
    assert_eq!(scene.says(&["move-leader", next]), transferred(ids[first], next));
    assert_eq!(ids[leads()], next);
    assert_eq!(scene.says(&["put", "moved", "yes"]), "OK\n");
    assert_eq!(scene.says(&["get", "moved"]), "moved\nyes\n");
    let refused = scene.refused(&["move-leader", later]);
    assert!(refused.contains("less than a minute ago: ask again in"), "{refused}");
    assert_eq!(ids[leads()], next);
}

fn transferred(from: &str, to: &str) -> String {
    format!("Leadership transferred from {from} to {to}\n")
}

fn maintenance(scene: &Scene) {
    let endpoint = scene.net.gateway().to_string();
    assert!(scene.says(&["endpoint", "health"]).contains("is healthy"));
    let status = scene.says(&["endpoint", "status", "--write-out", "json"]);
    assert!(status.contains("\"version\":\"3.5.0\"") && status.contains("\"leader\""), "{status}");
    let members = scene.says(&["member", "list"]);
    assert_eq!(members.lines().count(), 4, "{members}");
    assert!(members.lines().all(|line| line.contains(&format!("http://{endpoint}"))), "{members}");
    let at = scene.json(&["get", "old"])["header"]["revision"].to_string();
    let hash = || scene.json(&["endpoint", "hashkv", "--rev", &at])[0]["HashKV"]["hash"].clone();
    assert_eq!(hash(), hash(), "the same at the same revision, though sessions may end meanwhile");
    assert_eq!(scene.says(&["alarm", "list"]), "");
    assert!(scene.refused(&["user", "list"]).contains("there are no users or roles"));
}
