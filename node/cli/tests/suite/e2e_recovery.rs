//! Replicas that come back from far behind, from nothing and from damaged disks; proofs of the state; looking at stopped nodes.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::e2e_support::{Net, block_on, executed, read_all};
use serde_json::{Value, json};
use tetrarch_kv::Command;
use tetrarch_launcher::{ReplicaState, TestnetStatus};

/// Puts of one key each, all of them acknowledged, one behind the other: each is a batch of its own, so that a number of puts is one
/// of batches, which is what checkpoints and silence are counted in.
fn put(net: &Net, numbers: std::ops::Range<usize>) {
    block_on(async {
        let client = net.client();
        for number in numbers {
            let command = Command::put(format!("load/{number:05}"), number.to_string()).encode();
            let submitted = client.submit(command).await.unwrap();
            assert!(executed(&submitted.outcome).results.unwrap()[0].is_ok());
        }
        client.close().await;
    });
}

/// Every put is there once, and right.
fn assert_all_there(net: &Net, count: usize) {
    let read = block_on(async { read_all(&net.client(), "load/").await });
    let expected = (0..count).map(|number| (format!("load/{number:05}").into_bytes(), number.to_string().into_bytes()));
    let found = read.into_iter().map(|(key, record)| (key, record.value));
    assert!(found.eq(expected), "not all of {count} puts are there, and right");
}

fn replica(net: &Net, id: u16) -> PathBuf {
    net.dir().join(format!("replica-{id}"))
}

fn recovery(status: &TestnetStatus, id: usize) -> &tetrarch_launcher::RecoveryStatus {
    status.replicas[id].recovery.as_ref().unwrap()
}

#[test]
fn one_that_was_away_for_long_fetches_the_state() {
    let net = Net::up_with_short_ledgers();
    put(&net, 0..20);
    net.ok(&["testnet", "kill", "3"]);
    put(&net, 20..300);
    net.ok(&["testnet", "start", "3"]);
    net.until("it is level", |status| {
        status.replicas[3].executed >= status.replicas[0].executed && status.replicas[3].transfer.is_none()
    });
    put(&net, 300..330);
    net.until_equal();
    let status = net.until_level();
    assert!(recovery(&status, 3).rows_fetched > 0, "further behind than the ledgers reach: {status:?}");
    assert!(status.replicas[3].stable_checkpoint.unwrap() > 0);
    assert_all_there(&net, 330);
    net.assert_no_panic();
}

#[test]
fn one_that_lost_everything_comes_back_and_votes_again() {
    let net = Net::up_with_short_ledgers();
    put(&net, 0..120);
    net.ok(&["testnet", "kill", "2"]);
    std::fs::remove_dir_all(replica(&net, 2).join("data")).unwrap();
    put(&net, 120..140);
    net.ok(&["testnet", "start", "2"]);
    let is_level = |status: &TestnetStatus| {
        let levelled = status.replicas[2].recovery.as_ref().is_some_and(|recovery| recovery.level_ms.is_some());
        levelled && status.replicas[2].executed >= status.replicas[0].executed
    };
    net.until("it is level", is_level);
    let status = net.json(&["testnet", "status"]);
    let found = &status["replicas"][2];
    assert!(found["recovery"]["level_ms"].is_u64() && found["recovery"]["disk_ms"].is_u64(), "{found}");
    assert!(found["recovery"]["rows_fetched"].as_u64().unwrap() > 100, "{found}");
    assert!(!found["recovery"]["findings"].as_array().unwrap().is_empty(), "{found}");
    assert_eq!(found["state"], "recovering", "it is silent: {found}");
    let table = net.ok(&["testnet", "status"]);
    assert!(table.contains("replica 2: ") && table.contains("ms later"), "{table}");

    // Beyond everything that it may have voted for, it votes again: and is needed.
    put(&net, 140..220);
    net.until_equal();
    net.until("it votes again", |status| status.replicas[2].state == ReplicaState::Running);
    net.ok(&["testnet", "kill", "1"]);
    put(&net, 220..240);
    assert_all_there(&net, 240);
    net.assert_no_panic();
}

/// Damages a stopped replica and starts it: it comes back in step, or stops with a sentence, and the cluster's answers stay right.
fn survive(net: &Net, written: &mut usize, what: &str, damage: impl Fn(&Path)) {
    net.ok(&["testnet", "kill", "3"]);
    damage(&replica(net, 3).join("data"));
    net.ok(&["testnet", "start", "3"]);
    let is_over = |status: &TestnetStatus| {
        let it = &status.replicas[3];
        let stopped = it.reason.as_deref().is_some_and(|reason| reason.contains("last words"));
        stopped || (it.executed.is_some() && it.executed >= status.replicas[0].executed)
    };
    net.until(&format!("{what}: it is level, or says why not"), is_over);
    // Enough for one that is silent to vote again.
    put(net, *written..*written + 60);
    *written += 60;
    let status = net.until(&format!("{what}: it votes, or says why not"), |status| {
        is_over(status) && status.replicas[3].state != ReplicaState::Recovering
    });
    assert_all_there(net, *written);
    let it = &status.replicas[3];
    assert!(it.state == ReplicaState::Running || it.reason.is_some(), "{what}: {it:?}");
    net.assert_no_panic();
}

#[test]
fn damaged_tables_are_repaired() {
    let net = Net::up_with_many_checkpoints();
    let mut written = 100;
    put(&net, 0..written);
    // A start writes what stood in the log into tables.
    net.ok(&["testnet", "kill", "3"]);
    net.ok(&["testnet", "start", "3"]);
    net.until_equal();
    survive(&net, &mut written, "the tables", |data| {
        named(&data.join("db"), ".sst").iter().for_each(|it| flip_middle(it))
    });
    assert!(!recovery(&net.status(), 3).findings.is_empty(), "it is noticed");
    survive(&net, &mut written, "the list of tables", |data| flip_middle(&largest(&data.join("db"), "MANIFEST-")));
}

#[test]
fn damaged_records_of_votes_are_noticed() {
    let net = Net::up_with_many_checkpoints();
    let mut written = 60;
    put(&net, 0..written);
    survive(&net, &mut written, "the log with the latest votes", |data| {
        flip_middle(&largest(&data.join("db"), ".log"))
    });
    survive(&net, &mut written, "the mark", |data| {
        zero(&data.join("journal.mark"));
    });
    let status = net.status();
    assert!(recovery(&status, 3).findings.iter().any(|finding| finding.contains("high-water mark")), "{status:?}");
}

/// Nothing of a file is left but its length.
fn zero(path: &Path) {
    let length = std::fs::metadata(path).unwrap().len();
    std::fs::write(path, vec![0; length as usize]).unwrap();
}

/// The files whose names have this in them.
fn named(dir: &Path, part: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_str().unwrap().contains(part)).collect()
}

/// The largest of them.
fn largest(dir: &Path, part: &str) -> PathBuf {
    named(dir, part).into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

fn flip_middle(path: &Path) {
    let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
    let at = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
}

#[test]
fn a_key_is_proven_to_third_parties() {
    let mut net = Net::up_with_many_checkpoints();
    net.tetrarch(&["kv", "get", "greeting", "--verify"]).assert_failed(1, &["no checkpoint is stable yet", "batch 8"]);
    net.ok(&["kv", "put", "greeting", "hello"]);
    put(&net, 0..24);
    net.until_equal();
    let file = net.home.path().join("proof.json");
    let path = file.to_str().unwrap();
    let got = net.tetrarch(&["kv", "get", "greeting", "--verify", "--save", path]);
    assert_eq!((got.code, got.stdout.as_str()), (0, "hello"), "{got}");
    for part in ["checkpoint ", "state root ", "3 of 4 are needed", "the proof holds", "that is what was read"] {
        assert!(got.stderr.contains(part), "{part} in {got}");
    }
    let proof = net.json(&["kv", "get", "greeting", "--verify"])["proof"].clone();
    assert_eq!((&proof["verified"], &proof["covers_read"], &proof["needed"]), (&json!(true), &json!(true), &json!(3)));
    net.tetrarch(&["kv", "get", "nothing", "--verify"]).assert_failed(1, &["there was no such key", "the proof holds"]);
    net.ok(&["kv", "put", "greeting", "changed"]);
    let changed = net.tetrarch(&["kv", "get", "greeting", "--verify"]);
    let is_told = changed.stderr.contains("is the first that can prove the change");
    assert!(changed.stdout == "changed" && (is_told || changed.stderr.contains("that is what was read")), "{changed}");

    let genesis = net.dir().join("genesis.json");
    let verify = ["verify", "proof", path, "--genesis", genesis.to_str().unwrap()];
    net.down();
    let verified = net.json(&verify);
    assert_eq!((&verified["verified"], &verified["record"]["value"]), (&json!(true), &json!("hello")), "{verified}");
    assert!(net.ok(&verify).contains("\"hello\""));
    let proof = std::fs::read_to_string(&file).unwrap();
    for forged in forgeries(&serde_json::from_str(&proof).unwrap()) {
        std::fs::write(&file, forged.to_string()).unwrap();
        net.tetrarch(&verify).assert_failed(6, &["cannot verify the proof"]);
    }
    net.assert_no_panic();
}

fn forgeries(proof: &Value) -> Vec<Value> {
    let flipped = |pointer: &str| {
        let mut forged = proof.clone();
        let field = forged.pointer_mut(pointer).unwrap();
        let text = field.as_str().unwrap();
        let first = if text.starts_with('0') { "1" } else { "0" };
        *field = format!("{first}{}", &text[1..]).into();
        forged
    };
    let mut forged: Vec<Value> = ["/checkpoint/votes/1/signature", "/checkpoint/state_root", "/proof/siblings/0"]
        .into_iter()
        .chain(["/proof/end/value", "/value/base64", "/chain"])
        .map(flipped)
        .collect();
    let mut absent = proof.clone();
    absent["value"] = Value::Null;
    let mut later = proof.clone();
    later["checkpoint"]["sequence"] = (proof["checkpoint"]["sequence"].as_u64().unwrap() + 8).into();
    forged.extend([absent, later]);
    forged
}

#[test]
fn a_stopped_node_can_be_looked_at() {
    let net = Net::up_with_many_checkpoints();
    put(&net, 0..40);
    net.until("it has all of them", |status| status.replicas[1].revision == Some(41));
    let dir = replica(&net, 1);
    let dir = dir.to_str().unwrap();
    for what in ["journal", "checkpoint", "state"] {
        net.tetrarch(&["inspect", what, dir]).assert_failed(1, &["the node is running", "stop it first"]);
    }
    assert!(net.ok(&["doctor", "--dir", dir]).contains("in use by process"));
    net.ok(&["testnet", "kill", "1"]);
    look(&net, dir);
    let before = fingerprint(Path::new(dir));
    let doctor = net.ok(&["doctor", "--dir", dir]);
    for part in ["all of them as the mark says", "as its tree says", "of checkpoints: ", "database "] {
        assert!(doctor.contains(part), "{part} in {doctor}");
    }
    assert_eq!(fingerprint(Path::new(dir)), before, "nothing is written");

    zero(&replica(&net, 1).join("data/journal.mark"));
    net.tetrarch(&["inspect", "journal", dir]).assert_failed(6, &["none of its slots", "start the node"]);
    let doctor = net.tetrarch(&["doctor", "--dir", dir]);
    assert!(doctor.code == 1 && doctor.stdout.contains("FAIL") && doctor.stdout.contains("none of its"), "{doctor}");
    net.ok(&["testnet", "start", "1"]);
    net.until("it is back", |status| status.replicas[1].executed.is_some());
    net.assert_no_panic();
}

fn look(net: &Net, dir: &str) {
    let journal = net.json(&["inspect", "journal", dir]);
    let records = journal["records"].as_array().unwrap();
    assert!(journal["problem"].is_null() && journal["tip"] == journal["mark"], "{journal}");
    assert!(records.iter().any(|record| record["kind"] == "stable") && records.iter().all(|it| it["bytes"].is_u64()));
    let checkpoint = net.json(&["inspect", "checkpoint", dir]);
    assert_eq!(checkpoint["stable"]["verified"], true, "{checkpoint}");
    let snapshots = checkpoint["snapshots"].as_array().unwrap();
    assert!(!snapshots.is_empty() && snapshots.iter().all(|snapshot| snapshot["holds"] == true), "{checkpoint}");
    let state = net.json(&["inspect", "state", dir, "--check"]);
    assert_eq!((&state["check"]["damages"], &state["tables"][0]["rows"]), (&json!(0), &json!(40)), "{state}");
    assert!(net.ok(&["inspect", "journal", dir]).contains("the mark vouches for it"));
    assert!(net.ok(&["inspect", "checkpoint", dir]).contains("a quorum signed this root"));
    assert!(net.ok(&["inspect", "state", &format!("{dir}/data")]).contains("kv.records"), "by its data directory");
}

/// Every file below a directory, with its size and when it was last written.
fn fingerprint(dir: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let (path, about) = {
            let entry = entry.unwrap();
            (entry.path(), entry.metadata().unwrap())
        };
        if about.is_dir() {
            found.extend(fingerprint(&path));
        } else {
            found.push((path, about.len(), about.modified().unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_chain_keeps_its_parameters() {
    let net = Net::up_with_many_checkpoints();
    let genesis: Value =
        serde_json::from_str(&std::fs::read_to_string(net.dir().join("genesis.json")).unwrap()).unwrap();
    assert_eq!(genesis["parameters"], json!({ "checkpoint_interval": 8, "window": 16 }));
    assert!(net.tetrarch(&["testnet", "up", "--checkpoint-interval", "8"]).stderr.contains("is running"));
    let other = net.tetrarch(&["testnet", "up", "--checkpoint-interval", "16"]);
    other.assert_failed(2, &["checkpoint interval of 8 and a window of 16", "--reset"]);
    net.tetrarch(&["testnet", "up", "--window", "64"]).assert_failed(2, &["window of 16"]);
    let small = ["testnet", "up", "--dir", "other", "--checkpoint-interval", "8", "--window", "15"];
    net.tetrarch(&small).assert_failed(2, &["window between twice"]);
    assert!(!net.home.path().join("other").exists());
}
