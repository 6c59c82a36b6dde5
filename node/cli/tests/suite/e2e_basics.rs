//! A testnet from its start to its end: put, get, status, and what is proven by receipts.

use crate::e2e_support::process::run;
use crate::e2e_support::{self, Net};
use serde_json::{Value, json};
use tetrarch_launcher::{ReplicaState, ReplicaStatus};

#[test]
fn four_replicas_answer() {
    let mut net = Net::vacant(4);
    let report = net.start();
    assert_eq!((&report["n"], &report["f"], &report["quorum"]), (&json!(4), &json!(1), &json!(3)));
    assert_eq!(report["replicas"][3]["peer_address"], format!("127.0.0.1:{}", net.base_port + 6));
    assert_eq!(report["replicas"][3]["client_address"], format!("127.0.0.1:{}", net.base_port + 7));

    let put = net.json(&["kv", "put", "greeting", "hello"]);
    assert!(put["revision"].as_u64().unwrap() > 0 && put["sequence"].as_u64().unwrap() > 0, "{put}");
    assert_eq!(put["needed"], 3);
    assert!(put["replicas"].as_array().unwrap().len() >= 3, "{put}");
    assert_eq!(net.ok(&["kv", "get", "greeting"]).trim_end(), "hello");
    let got = net.json(&["kv", "get", "greeting"]);
    let record = &got["kvs"][0];
    assert_eq!(
        (&record["key"], &record["value"], &record["version"]),
        (&json!("greeting"), &json!("hello"), &json!(1))
    );
    assert_eq!(record["mod_revision"], put["revision"]);
    net.tetrarch(&["kv", "get", "nothing"]).assert_failed(1, &["no such key"]);
    read_the_past(&net, put["revision"].as_u64().unwrap());

    check_status(&net, put["revision"].as_u64().unwrap() + 2);
    // One that is late with its answer is not said to run.
    let mut tables = std::iter::repeat_with(|| net.ok(&["testnet", "status"])).take(20);
    let table = tables.find(|table| table.matches("running").count() == 4).expect("all of them run");
    assert!(table.contains("REPLICA") && table.contains("primary"), "{table}");
    let log = net.ok(&["testnet", "logs", "2"]);
    assert!(log.contains("started as process"), "{log}");
    net.down();
    net.assert_no_panic();

    // Nobody runs it: the status says so, and nothing is lost.
    let status = net.json(&["testnet", "status"]);
    assert!(status["replicas"].as_array().unwrap().iter().all(|replica| replica["state"] == "unreachable"), "{status}");
    assert!(status["view"].is_null());
    net.tetrarch(&["kv", "get", "greeting"]).assert_failed(3, &["no replica can be reached"]);
    net.tetrarch(&["testnet", "kill", "1"]).assert_failed(3, &["is not running", "testnet up"]);
    net.start();
    assert_eq!(net.ok(&["kv", "get", "greeting"]).trim_end(), "hello");
}

/// What was overwritten or deleted is there at its revision.
fn read_the_past(net: &Net, revision: u64) {
    net.ok(&["kv", "put", "greeting", "changed"]);
    let at = |revision: u64| net.ok(&["kv", "get", "greeting", "--rev", &revision.to_string()]);
    assert_eq!((at(revision).trim_end(), at(0).trim_end()), ("hello", "changed"));
    let listed = net.json(&["kv", "get", "", "--prefix", "--rev", &revision.to_string()]);
    assert_eq!((&listed["kvs"][0]["value"], &listed["count"]), (&json!("hello"), &json!(1)));
    net.tetrarch(&["kv", "get", "greeting", "--rev", "1"]).assert_failed(1, &["no such key at revision 1"]);
    let future = (revision + 9).to_string();
    net.tetrarch(&["kv", "get", "greeting", "--rev", &future]).assert_failed(1, &["future revision"]);
    net.ok(&["kv", "put", "greeting", "hello"]);
    // Whoever was told of a put before it was executed is not answered before it is (rule X-4): so a quorum has executed it.
    assert_eq!(at(0).trim_end(), "hello");
}

/// Where the machine is busy elsewhere for a second, a replica is late with its answer, and all of them may change the view.
fn check_status(net: &Net, revision: u64) {
    let settled = net.until("all take part in one view", |status| {
        let takes_part = |it: &&ReplicaStatus| it.state == ReplicaState::Running && it.view == status.view;
        status.view.is_some() && status.replicas.iter().filter(takes_part).count() == 4
    });
    let (status, view) = (serde_json::to_value(&settled).unwrap(), settled.view.unwrap());
    for (field, value) in [("n", 4), ("f", 1), ("quorum", 3), ("view", view), ("primary", view % 4)] {
        assert_eq!(status[field], value, "{field} in {status}");
    }
    let replicas = status["replicas"].as_array().unwrap();
    assert_eq!(replicas.len(), 4);
    for (id, replica) in replicas.iter().enumerate() {
        assert_eq!(
            (&replica["id"], &replica["state"], &replica["view"]),
            (&json!(id), &json!("running"), &json!(view)),
            "{replica}"
        );
        assert!(
            ["pid", "executed", "stable_checkpoint", "revision", "stored_bytes"]
                .iter()
                .all(|field| replica[field].is_u64()),
            "{replica}"
        );
        let root = replica["state_root"].as_str().unwrap();
        assert!(root.len() == 64 && root.chars().all(|c| c.is_ascii_hexdigit()), "{root}");
    }
    let up_to_date = replicas.iter().filter(|replica| replica["revision"] == revision).count();
    assert!(up_to_date >= 3, "{status}");
}

#[test]
fn a_receipt_proves_what_happened() {
    let net = Net::up(4);
    let signed = net.ok(&["tx", "sign", "put", "contract", "signed"]);
    let (file, receipt) = (net.home.path().join("tx.json"), net.home.path().join("receipt.json"));
    std::fs::write(&file, &signed).unwrap();
    let file = file.to_str().unwrap();
    let id = serde_json::from_str::<Value>(&signed).unwrap()["id"].as_str().unwrap().to_owned();

    let first = net.json(&["tx", "submit", file]);
    assert_eq!(first["transaction"], id.as_str());
    let second = net.json(&["tx", "submit", file]);
    for field in ["transaction", "sequence", "revision", "outcome"] {
        assert_eq!(first[field], second[field], "the same answer: {field}");
    }
    let record = net.json(&["kv", "get", "contract"])["kvs"][0].clone();
    assert_eq!((&record["version"], &record["value"]), (&json!(1), &json!("signed")), "executed once");
    let shown = net.json(&["tx", "show", &id]);
    assert_eq!((&shown["id"], &shown["sequence"]), (&json!(id), &first["sequence"]));

    let proof = net.ok(&["tx", "receipt", &id]);
    std::fs::write(&receipt, &proof).unwrap();
    let genesis = net.dir().join("genesis.json");
    let verify = ["verify", "receipt", receipt.to_str().unwrap(), "--genesis", genesis.to_str().unwrap()];
    let mut net = net;
    net.down();
    let verified = net.json(&verify);
    assert_eq!((&verified["verified"], &verified["sequence"]), (&json!(true), &first["sequence"]), "without a network");

    // The same receipt with another outcome, another signature, or too few of them, proves nothing.
    for forged in forgeries(&serde_json::from_str(&proof).unwrap()) {
        std::fs::write(&receipt, forged.to_string()).unwrap();
        net.tetrarch(&verify).assert_failed(6, &["cannot verify the receipt"]);
    }
    std::fs::write(&receipt, "{}").unwrap();
    net.tetrarch(&verify).assert_failed(6, &["cannot verify the receipt"]);
    net.assert_no_panic();
}

fn forgeries(proof: &Value) -> [Value; 4] {
    let mut forged = [proof.clone(), proof.clone(), proof.clone(), proof.clone()];
    let digits = |value: &Value| value.as_str().unwrap().to_owned();
    let flipped =
        |text: String| if text.starts_with('0') { text.replacen('0', "1", 1) } else { format!("0{}", &text[1..]) };
    forged[0]["outcome"]["executed"] = flipped(digits(&proof["outcome"]["executed"])).into();
    forged[1]["signatures"][0]["signature"] = flipped(digits(&proof["signatures"][0]["signature"])).into();
    forged[2]["signatures"].as_array_mut().unwrap().truncate(1);
    forged[3]["sequence"] = (proof["sequence"].as_u64().unwrap() + 1).into();
    forged
}

#[test]
fn values_are_kept_byte_by_byte() {
    let net = Net::up(1);
    let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let done = run(net.command(&["kv", "put", "bytes", "-"]), &value, e2e_support::PATIENCE);
    assert_eq!(done.code, 0, "{done}");
    let got = net.command(&["kv", "get", "bytes"]).output().unwrap();
    assert!(got.stdout == value, "{} bytes came back", got.stdout.len());
    assert_eq!(net.json(&["testnet", "status"])["f"], 0);
    assert!(net.up_words().contains("tolerates nothing"), "{}", net.up_words());
}
