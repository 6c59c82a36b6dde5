//! The same commands of Debian's etcdctl against a gateway and against a real etcd: the same output, errors and exit codes.

use crate::installed::has_etcd;
use crate::support::Running;
use crate::support::programs::{Etcd, Said, etcdctl, lines_within, path};
use serde_json::Value;

struct Pair {
    gateway: Running,
    etcd: Etcd,
}

impl Pair {
    /// None where a program is missing; it has said so then.
    fn start() -> Option<Self> {
        has_etcd().then(|| Self { gateway: Running::local(), etcd: Etcd::start() })
    }

    /// What both say, that of the gateway first.
    fn both(&self, line: &[&str], input: &str) -> [Said; 2] {
        [etcdctl(&self.gateway.endpoint(), line, input), etcdctl(&self.etcd.endpoint, line, input)]
    }

    /// Runs one command on both, and refuses any difference, in words and in JSON where it can be read again.
    fn agree(&self, line: &str, input: &str) -> Said {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [ours, theirs] = self.both(&words, input).map(comparable);
        assert_eq!(ours, theirs, "{line}: the gateway's is on the left");
        ours
    }

    fn agree_in_json(&self, line: &str, input: &str) {
        let words: Vec<&str> = line.split_whitespace().chain(["-w", "json"]).collect();
        let [ours, theirs] = self.both(&words, input).map(|said| {
            assert_eq!(said.code, Some(0), "{line}: {said:?}");
            let mut value = serde_json::from_str(&said.out).unwrap();
            forget_who(&mut value);
            value
        });
        assert_eq!(ours, theirs, "{line}: the gateway's is on the left");
    }
}

/// Errors come with the time and the address; what follows the last `desc = ` or `Error: ` counts.
fn comparable(said: Said) -> Said {
    let last = said.err.trim().lines().last().unwrap_or_default();
    let text = last.rsplit("Error: ").next().unwrap_or_default();
    Said { err: text.to_owned(), ..said }
}

/// Ids differ, and how much time remains differs by how fast this machine was.
fn without_id_and_time(out: &str, id: &str) -> String {
    let out = out.replace(id, "ID");
    let Some((before, rest)) = out.split_once("remaining(") else { return out };
    let (seconds, rest) = rest.split_once("s)").unwrap();
    assert!((90..100).contains(&seconds.parse::<u32>().unwrap()), "{out}");
    format!("{before}remaining(){rest}")
}

/// Who answered, and in which term, differs.
fn forget_who(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            ["cluster_id", "member_id", "raft_term"].iter().for_each(|own| drop(fields.remove(*own)));
            fields.values_mut().for_each(forget_who);
        }
        Value::Array(values) => values.iter_mut().for_each(forget_who),
        _ => {}
    }
}

#[test]
fn a_user_where_there_are_none() {
    let Some(pair) = Pair::start() else { return };
    for line in [["put", "k", "v", "--user", "root:secret"].as_slice(), &["get", "k", "--user", "root:secret"]] {
        // With either it says, and when, that it was told so.
        let [ours, theirs] = pair.both(line, "").map(|said| (said.code, said.out));
        assert_eq!(ours, theirs, "{line:?}: the gateway's is on the left");
        assert_eq!(ours.0, Some(0), "it goes on");
    }
}

#[test]
fn keys_and_values() {
    let Some(pair) = Pair::start() else { return };
    for line in [
        "get nothing",
        "put a1 one",
        "put a2 two",
        "put a3 three",
        "put b other",
        "put a1 uno --prev-kv",
        "put a2 --ignore-value --prev-kv",
        "put none --ignore-value",
        "put none x --ignore-lease",
        "put a2 x --lease 77",
        "get a1",
        "get a1 --rev 2",
        "get a1 --rev 99",
        "get a --prefix",
        "get a --prefix --keys-only",
        "get a --prefix --limit 2",
        "get a1 b",
        "get b a1",
        "get a2 --from-key --print-value-only",
        "get --prefix --rev 3 a",
        "get a --prefix --consistency s",
        "del none",
        "del a --prefix --prev-kv",
        "del a --prefix",
        "put a1 again",
        "get a1",
    ] {
        pair.agree(line, "");
    }
    for line in ["get a --prefix", "get a1", "get b --limit 1", "put b more", "del b --prev-kv", "get b"] {
        pair.agree_in_json(line, "");
    }
}

#[test]
fn sorted_in_every_way() {
    let Some(pair) = Pair::start() else { return };
    for line in ["put k3 a", "put k1 c", "put k2 b", "put k3 d", "put k3 a", "put k2 b"] {
        pair.agree(line, "");
    }
    for target in ["KEY", "VERSION", "CREATE", "MODIFY", "VALUE"] {
        for order in ["", "--order ASCEND", "--order DESCEND"] {
            for limit in ["", "--limit 1", "--limit 2"] {
                pair.agree_in_json(&format!("get k --prefix --sort-by {target} {order} {limit}"), "");
            }
        }
    }
}

#[test]
fn transactions() {
    let Some(pair) = Pair::start() else { return };
    pair.agree("put k 1", "");
    for input in [
        "value(\"k\") = \"1\"\n\nput k 2\nget k\ndel other\n\nget k\n\n",
        "value(\"k\") = \"1\"\n\nput k 2\n\nget k\nput other 1\n\n",
        "mod(\"k\") > \"2\"\nversion(\"k\") = \"2\"\ncreate(\"k\") < \"3\"\n\ndel k --prev-kv\n\nget k\n\n",
        "value(\"missing\") != \"x\"\n\nput a 1\n\nput b 1\n\n",
        "mod(\"missing\") = \"0\"\nlease(\"missing\") = \"0\"\n\nput a 1\n\nput b 1\n\n",
        "\nput k 1\nput k 2\n\n\n",
        "\nput k 1\ndel k\n\n\n",
        "\nget a --prefix\nget b\n\n\n",
        "\n\n\n",
    ] {
        pair.agree("txn", input);
    }
    pair.agree_in_json("txn", "value(\"a\") = \"1\"\n\nput k 9 --prev-kv\nget k\ndel a --prev-kv\n\nget k\n\n");
    pair.agree_in_json("get k", "");
}

#[test]
fn leases() {
    let Some(pair) = Pair::start() else { return };
    pair.agree("lease list", "");
    pair.agree("lease timetolive 1234", "");
    pair.agree("lease revoke 1234", "");
    pair.agree("lease keep-alive --once 1234", "");
    pair.agree("lease grant 9000000001", "");
    let granted = pair.both(&["lease", "grant", "100", "-w", "json"], "").map(|said| {
        let granted: Value = serde_json::from_str(&said.out).unwrap();
        format!("{:016x}", granted["ID"].as_i64().unwrap())
    });
    let [ours, theirs] = &granted;
    let same = |before: &[&str], after: &[&str]| {
        let ours_said = etcdctl(&pair.gateway.endpoint(), &[before, &[ours], after].concat(), "");
        let theirs_said = etcdctl(&pair.etcd.endpoint, &[before, &[theirs], after].concat(), "");
        let ours_said = Said { out: without_id_and_time(&ours_said.out, ours), ..comparable(ours_said) };
        let theirs_said = Said { out: without_id_and_time(&theirs_said.out, theirs), ..comparable(theirs_said) };
        assert_eq!(ours_said, theirs_said, "{before:?} {after:?}: the gateway's is on the left");
    };
    same(&["put", "k", "v", "--lease"], &[]);
    same(&["lease", "keep-alive", "--once"], &[]);
    // One key: etcd lists several in no order.
    same(&["lease", "timetolive"], &["--keys"]);
    same(&["lease", "revoke"], &[]);
    // One key: etcd lists several in no order.
    same(&["lease", "timetolive"], &["--keys"]);
    pair.agree_in_json("get k --prefix", "");
}

#[test]
fn compaction_and_endpoints() {
    let Some(pair) = Pair::start() else { return };
    for line in ["put k 1", "put k 2", "put k 3", "compaction 3", "get k --rev 3", "get k --rev 2", "compaction 3"] {
        pair.agree(line, "");
    }
    for line in
        ["compaction 0", "compaction 99", "compaction 4", "get k --rev 3", "get k", "alarm list", "alarm disarm"]
    {
        pair.agree(line, "");
    }
    let [ours, theirs] = pair.both(&["endpoint", "hashkv", "-w", "json"], "").map(|said| {
        let hashed: Value = serde_json::from_str(&said.out).unwrap();
        hashed[0]["HashKV"]["compact_revision"].clone()
    });
    assert_eq!(ours, theirs);
    let [ours, theirs] = pair.both(&["endpoint", "status", "-w", "json"], "").map(|said| {
        let status: Value = serde_json::from_str(&said.out).unwrap();
        (said.code, status[0]["Status"]["header"]["revision"].clone(), status[0]["Status"]["errors"].clone())
    });
    assert_eq!(ours, theirs);
    for line in [["endpoint", "health"], ["member", "list"], ["endpoint", "hashkv"]] {
        let [ours, theirs] = pair.both(&line, "");
        assert_eq!((ours.code, ours.out.is_empty()), (theirs.code, theirs.out.is_empty()), "{line:?}");
    }
}

#[test]
fn moving_the_leader() {
    let Some(pair) = Pair::start() else { return };
    for line in ["move-leader", "move-leader one", "move-leader 1234", "move-leader 0"] {
        assert_ne!(pair.agree(line, "").code, Some(0));
    }
    let leaders = pair.both(&["endpoint", "status", "-w", "json"], "").map(|said| {
        let status: Value = serde_json::from_str(&said.out).unwrap();
        format!("{:x}", status[0]["Status"]["leader"].as_u64().unwrap())
    });
    let said =
        [pair.gateway.endpoint(), pair.etcd.endpoint.clone()].into_iter().zip(&leaders).map(|(endpoint, leader)| {
            let said = etcdctl(&endpoint, &["move-leader", leader], "");
            Said { out: said.out.replace(leader.as_str(), "ID"), ..said }
        });
    let [ours, theirs] = said.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(ours, theirs);
    assert_eq!((ours.code, ours.out.as_str()), (Some(0), "Leadership transferred from ID to ID\n"));
}

/// `boss/2f1a…`: the key of a place in a queue ends with its lease's id.
fn without_lease(line: &str) -> String {
    match line.rsplit_once('/') {
        Some((name, id)) if u64::from_str_radix(id, 16).is_ok() => format!("{name}/LEASE"),
        _ => line.to_owned(),
    }
}

#[test]
fn locks_and_elections() {
    let Some(pair) = Pair::start() else { return };
    for line in
        ["lock", "lock job echo held", "lock job --ttl 5 echo held again", "lock job false", "elect", "elect boss"]
    {
        pair.agree(line, "");
    }
    for line in ["lock job", "lock job --ttl 5", "elect boss one"] {
        let words: Vec<&str> = line.split(' ').collect();
        let count = if words[0] == "elect" { 2 } else { 1 };
        let told = [pair.gateway.endpoint(), pair.etcd.endpoint.clone()].map(|endpoint| {
            let told = lines_within(&endpoint, &words, count);
            // Whoever was ended leaves its place with its lease only.
            let freed = etcdctl(&endpoint, &["del", "", "--prefix"], "");
            assert_eq!(freed.code, Some(0), "{freed:?}");
            told.iter().map(|line| without_lease(line)).collect::<Vec<String>>()
        });
        assert_eq!(told[0], told[1], "{line}: the gateway's is on the left");
        assert!(told[0][0].ends_with("/LEASE"), "{told:?}");
    }
}

#[test]
fn snapshots_are_saved() {
    let Some(pair) = Pair::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    pair.agree("put k v", "");
    let file = folder.path().join("saved.db");
    let saved = [pair.gateway.endpoint(), pair.etcd.endpoint.clone()].map(|endpoint| {
        let said = etcdctl(&endpoint, &["snapshot", "save", path(&file)], "");
        let status = etcdctl("unused", &["snapshot", "status", path(&file), "-w", "json"], "");
        let status: Value = serde_json::from_str(&status.out).unwrap();
        // How many bytes there are, and their sum, is each side's own.
        (said.code, said.out, status["revision"].clone())
    });
    assert_eq!(saved[0], saved[1]);
    assert_eq!(saved[0].2, 2);
    let nowhere = format!("snapshot save {}", path(&folder.path().join("no/such/folder.db")));
    let codes = pair.both(&nowhere.split(' ').collect::<Vec<_>>(), "").map(|said| said.code);
    assert_eq!(codes[0], codes[1]);
    assert_ne!(codes[0], Some(0));
}
