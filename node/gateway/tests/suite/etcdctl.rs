//! Debian's etcdctl, unmodified, against a gateway: what it prints and how it ends.

use crate::installed::has_etcdctl;
use crate::support::Running;
use crate::support::programs::{Said, etcdctl};
use serde_json::Value;

struct Scene {
    gateway: Running,
}

impl Scene {
    /// None where etcdctl is missing; it has said so then.
    fn set() -> Option<Self> {
        has_etcdctl().then(|| Self { gateway: Running::local() })
    }

    fn says(&self, line: &[&str]) -> Said {
        etcdctl(&self.gateway.endpoint(), line, "")
    }

    /// What it prints, when all went well.
    fn out(&self, line: &[&str]) -> String {
        let said = self.says(line);
        assert_eq!(said.code, Some(0), "{line:?}: {said:?}");
        said.out
    }

    /// What it prints as JSON.
    fn json(&self, line: &[&str]) -> Value {
        serde_json::from_str(&self.out(&[line, &["-w", "json"]].concat())).unwrap()
    }

    /// What went wrong.
    fn error(&self, line: &[&str]) -> String {
        let said = self.says(line);
        assert_ne!(said.code, Some(0), "{line:?}: {said:?}");
        said.err
    }
}

#[test]
fn put_get_and_del() {
    let Some(scene) = Scene::set() else { return };
    for (key, value) in [("a1", "one"), ("a2", "two"), ("a3", "three"), ("b", "other")] {
        assert_eq!(scene.out(&["put", key, value]), "OK\n");
    }
    assert_eq!(scene.out(&["put", "a1", "uno", "--prev-kv"]), "OK\na1\none\n");
    assert_eq!(scene.out(&["get", "a1"]), "a1\nuno\n");
    assert_eq!(scene.out(&["get", "a1", "--rev", "2"]), "a1\none\n");
    assert_eq!(scene.out(&["get", "a", "--prefix", "--keys-only"]), "a1\n\na2\n\na3\n\n");
    assert_eq!(scene.out(&["get", "a", "--prefix", "--order", "DESCEND", "--limit", "2"]), "a3\nthree\na2\ntwo\n");
    assert_eq!(scene.out(&["get", "a2", "--from-key", "--print-value-only"]), "two\nthree\nother\n");
    let counted = scene.json(&["get", "", "--prefix", "--limit", "1"]);
    assert_eq!((&counted["count"], &counted["more"]), (&4.into(), &true.into()));
    assert_eq!(counted["header"]["revision"], 6);
    assert_eq!(scene.out(&["del", "a", "--prefix", "--prev-kv"]), "3\na1\nuno\na2\ntwo\na3\nthree\n");
    assert_eq!(scene.out(&["del", "a1"]), "0\n");
    assert_eq!(scene.json(&["get", "b"])["header"]["revision"], 7, "a deletion of nothing moves nothing");
}

#[test]
fn the_header_says_cluster_member_revision_and_view() {
    let Some(scene) = Scene::set() else { return };
    let header = &scene.json(&["put", "k", "v"])["header"];
    let [cluster, member] = [0xc1_05_7e_u64, 0x1ead];
    assert_eq!(header, &serde_json::json!({"cluster_id": cluster, "member_id": member, "revision": 2, "raft_term": 3}));
}

#[test]
fn txn() {
    let Some(scene) = Scene::set() else { return };
    scene.out(&["put", "k", "1"]);
    let both = "value(\"k\") = \"1\"\nmod(\"missing\") = \"0\"\n\nput k 2\nget k\n\nget k\n\n";
    let endpoint = scene.gateway.endpoint();
    let said = etcdctl(&endpoint, &["txn"], both);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "SUCCESS\n\nOK\n\nk\n2\n"));
    let said = etcdctl(&endpoint, &["txn"], both);
    assert_eq!(said.out, "FAILURE\n\nk\n2\n");
    let said = etcdctl(&endpoint, &["txn"], "\nput k 3\nput k 4\n\n\n");
    assert!(said.err.contains("etcdserver: duplicate key given in txn request"), "{said:?}");
}

#[test]
fn leases() {
    let Some(scene) = Scene::set() else { return };
    let granted = scene.json(&["lease", "grant", "60"]);
    assert_eq!(granted["TTL"], 60);
    let id = format!("{:016x}", granted["ID"].as_i64().unwrap());
    scene.out(&["put", "k", "v", "--lease", &id]);
    scene.out(&["put", "l", "w", "--lease", &id]);
    let told = scene.out(&["lease", "timetolive", &id, "--keys"]);
    assert!(told.starts_with(&format!("lease {id} granted with TTL(60s), remaining(")), "{told}");
    assert!(told.ends_with("attached keys([k l])\n"), "{told}");
    assert_eq!(scene.out(&["lease", "keep-alive", "--once", &id]), format!("lease {id} keepalived with TTL(60)\n"));
    assert_eq!(scene.out(&["lease", "list"]), format!("found 1 leases\n{id}\n"));
    assert_eq!(scene.out(&["lease", "revoke", &id]), format!("lease {id} revoked\n"));
    assert_eq!(scene.out(&["get", "k"]), "");
    assert_eq!(scene.out(&["lease", "timetolive", &id]), format!("lease {id} already expired\n"));
    assert!(scene.error(&["lease", "revoke", &id]).contains("etcdserver: requested lease not found"));
    assert!(scene.error(&["lease", "keep-alive", "--once", &id]).contains("etcdserver: requested lease not found"));
    assert!(scene.error(&["put", "k", "v", "--lease", &id]).contains("etcdserver: requested lease not found"));
}

#[test]
fn a_lease_that_nobody_keeps_alive_ends() {
    let Some(scene) = Scene::set() else { return };
    // On a busy machine it may have ended before anything hangs on it.
    let held = (0..10).find_map(|_| {
        let granted = scene.json(&["lease", "grant", "1"]);
        assert_eq!(granted["TTL"], 2, "etcd's shortest");
        let id = format!("{:016x}", granted["ID"].as_i64().unwrap());
        (scene.says(&["put", "k", "v", "--lease", &id]).code == Some(0)).then_some(id)
    });
    let id = held.expect("a lease in time");
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    assert_eq!(scene.out(&["get", "k"]), "");
    assert_eq!(scene.out(&["lease", "timetolive", &id]), format!("lease {id} already expired\n"));
}

#[test]
fn compaction() {
    let Some(scene) = Scene::set() else { return };
    for value in ["1", "2", "3"] {
        scene.out(&["put", "k", value]);
    }
    assert_eq!(scene.out(&["compaction", "3"]), "compacted revision 3\n");
    assert_eq!(scene.out(&["get", "k", "--rev", "3"]), "k\n2\n");
    let compacted = "etcdserver: mvcc: required revision has been compacted";
    assert!(scene.error(&["get", "k", "--rev", "2"]).contains(compacted));
    assert!(scene.error(&["compaction", "3"]).contains(compacted));
    let future = "etcdserver: mvcc: required revision is a future revision";
    assert!(scene.error(&["compaction", "9"]).contains(future));
    assert!(scene.error(&["get", "k", "--rev", "9"]).contains(future));
    let hashed = scene.json(&["endpoint", "hashkv"]);
    assert_eq!(hashed[0]["HashKV"]["compact_revision"], 3);
}

#[test]
fn endpoints_and_members() {
    let Some(scene) = Scene::set() else { return };
    let endpoint = scene.gateway.endpoint();
    let health = scene.says(&["endpoint", "health"]);
    assert_eq!(health.code, Some(0), "{health:?}");
    assert!([health.out, health.err].concat().contains("is healthy"));
    let status = &scene.json(&["endpoint", "status"])[0];
    assert_eq!(status["Endpoint"], endpoint.as_str());
    assert_eq!(status["Status"]["version"], "3.5.0");
    assert_eq!(status["Status"]["leader"], status["Status"]["header"]["member_id"]);
    let members = scene.json(&["member", "list"]);
    let members = members["members"].as_array().unwrap();
    assert_eq!(members.len(), 4);
    assert_eq!(members[2]["name"], "replica-2");
    assert!(members.iter().all(|member| member["clientURLs"][0] == format!("http://{endpoint}")));
    let [before, again] = [scene.json(&["endpoint", "hashkv"]), scene.json(&["endpoint", "hashkv"])];
    assert_eq!(before[0]["HashKV"]["hash"], again[0]["HashKV"]["hash"]);
    scene.out(&["put", "k", "v"]);
    assert_ne!(before[0]["HashKV"]["hash"], scene.json(&["endpoint", "hashkv"])[0]["HashKV"]["hash"]);
    assert_eq!(scene.out(&["alarm", "list"]), "");
    assert!(scene.says(&["defrag"]).code == Some(0));
}

#[test]
fn what_is_not_served_says_why() {
    let Some(scene) = Scene::set() else { return };
    assert!(scene.error(&["user", "list"]).contains("there are no users or roles"));
    assert!(scene.error(&["member", "remove", "1ead"]).contains("not changed by clients"));
}
