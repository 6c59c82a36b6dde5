//! Finding a cluster, signing without one, and what is said when nobody answers.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{self, Place, tetrarch};
use tetrarch_client::transaction_from_json;
use tetrarch_crypto::Ed25519;
use tetrarch_types::Verifier;

#[test]
fn without_a_cluster_it_is_said_how_to_get_one() {
    let place = Place::new();
    let stderr = place.run(["kv", "get", "a"]).expect(2).stderr;
    assert!(stderr.contains("tetrarch-testnet/genesis.json") && stderr.contains("tetrarch testnet up"), "{stderr}");
}

#[test]
fn when_nobody_answers_the_exit_code_is_3() {
    let place = Place::new();
    for arguments in [["kv", "get", "a"], ["kv", "del", "a"]] {
        let stderr = place.run(arguments.iter().chain(&["--dir", ".", "--timeout", "300ms"])).expect(3).stderr;
        assert!(stderr.contains("no replica can be reached") && stderr.contains("what to do: "), "{stderr}");
    }
}

#[test]
fn the_environment_names_the_directory() {
    let place = Place::new();
    let ran = tetrarch(std::path::Path::new("/"))
        .args(["kv", "get", "a", "--timeout", "300ms"])
        .env("TETRARCH_DIR", place.dir.path())
        .output();
    common::Ran::from(ran.unwrap()).expect(3);
}

#[test]
fn writing_needs_a_key() {
    let place = Place::new();
    let stderr = place.run(["kv", "put", "a", "1", "--genesis", "genesis.json"]).expect(2).stderr;
    assert!(stderr.contains("--key") && stderr.contains("tetrarch keys new"), "{stderr}");
}

#[test]
fn what_the_store_would_refuse_is_refused_at_once() {
    let place = Place::new();
    let long = "k".repeat(5_000);
    for key in ["", long.as_str()] {
        place.run(["kv", "put", key, "1", "--dir", "."]).expect(2);
        place.run(["kv", "get", key, "--dir", "."]).expect(2);
    }
    let mut child = tetrarch(place.dir.path())
        .args(["kv", "put", "a", "-", "--dir", "."])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command stops reading when it has read too much; the rest of the pipe is not its business.
    let _ = child.stdin.take().unwrap().write_all(&vec![b'x'; 2 * 1024 * 1024]);
    let ran = common::Ran::from(child.wait_with_output().unwrap()).expect(2);
    assert!(ran.stderr.contains("value is too large") && ran.stderr.len() < 1_000, "{}", ran.stderr);
}

#[test]
fn signing_with_a_nonce_needs_nobody() {
    let place = Place::new();
    let signed = place.run(["tx", "sign", "put", "a", "1", "--nonce", "7", "--dir", "."]).expect(0).stdout;
    let transaction = transaction_from_json(&signed).unwrap();
    assert_eq!((transaction.body.nonce, transaction.body.chain), (7, place.genesis.digest()));
    let verifier = Verifier::new(place.genesis.membership().into(), std::sync::Arc::new(Ed25519));
    verifier.transaction(transaction).unwrap();
}

#[test]
fn changed_and_foreign_transactions_are_not_submitted() {
    let place = Place::new();
    let signed = place.run(["tx", "sign", "put", "a", "1", "--nonce", "7", "--dir", "."]).expect(0).stdout;
    place.write("tx.json", signed.replace("\"nonce\": 7", "\"nonce\": 8"));
    let stderr = place.run(["tx", "submit", "tx.json", "--dir", "."]).expect(6).stderr;
    assert!(stderr.contains("its contents have the id"), "{stderr}");
    let mut forged: serde_json::Value = serde_json::from_str(&signed).unwrap();
    forged["signature"] = "00".repeat(64).into();
    place.write("tx.json", forged.to_string());
    place.run(["tx", "submit", "tx.json", "--dir", "."]).expect(6);
    let mut other = place.genesis.clone();
    other.chain = "other".into();
    place.write("other.json", other.to_json());
    place.write("tx.json", &signed);
    let stderr = place.run(["tx", "submit", "tx.json", "--genesis", "other.json"]).expect(2).stderr;
    assert!(stderr.contains("the transaction is for chain"), "{stderr}");
    place.run(["tx", "submit", "tx.json", "--dir", ".", "--timeout", "300ms"]).expect(3);
}

#[test]
fn an_interrupt_ends_a_waiting_command_at_once_with_130() {
    let place = Place::new();
    let started = Instant::now();
    let child = tetrarch(place.dir.path())
        .args(["kv", "get", "a", "--dir", ".", "--timeout", "1m"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    common::until_it_heeds_interrupts(&child);
    common::signal(&child, "-INT");
    let ran = common::Ran::from(child.wait_with_output().unwrap()).expect(130);
    assert!(ran.stdout.is_empty() && started.elapsed() < Duration::from_secs(20));
}
