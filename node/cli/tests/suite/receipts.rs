//! `verify receipt`, and files that are no proofs: what holds is explained, what does not has exit code 6.

use crate::common::Place;
use tetrarch_client::receipt_to_json;
use tetrarch_types::{Outcome, ReplyCertificate, SeqNum};

const VERIFY: [&str; 5] = ["verify", "receipt", "receipt.json", "--genesis", "genesis.json"];

#[test]
fn a_receipt_that_holds_is_explained() {
    let place = Place::new();
    place.write("receipt.json", place.receipt());
    let text = place.run(VERIFY).expect(0).stdout;
    for part in ["put \"a\" = \"1\"", "put, now version 1", "sequence  9", "signed by replicas 0, 2", "nonce     5"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json = place.run(VERIFY.iter().chain(&["--output", "json"])).expect(0).json();
    assert_eq!(json["verified"], true);
    assert_eq!(json["replicas"], serde_json::json!([0, 2]));
    assert_eq!(json["sequence"], 9);
    assert_eq!(json["transaction"]["command"]["operations"][0]["key"], "a");
    assert_eq!(json["outcome"]["executed"]["revision"], 2);
}

#[test]
fn a_directory_names_the_chain_too() {
    let place = Place::new();
    place.write("receipt.json", place.receipt());
    place.run(["verify", "receipt", "receipt.json", "--dir", "."]).expect(0);
}

#[test]
fn whatever_was_changed_in_a_receipt_it_proves_nothing() {
    let changes: &[fn(&mut ReplyCertificate)] = &[
        |it| it.seq = SeqNum::new(10),
        |it| it.outcome = Outcome::Expired,
        |it| it.path.index = 0,
        |it| it.votes.truncate(1),
        |it| it.votes[1].0 = it.votes[0].0,
        |it| it.votes.reverse(),
        |it| it.votes[0].1 = it.votes[1].1,
        |it| it.transaction.body.nonce = 6,
        |it| it.transaction.body.command.clear(),
        |it| it.transaction.signature = it.votes[0].1,
    ];
    let place = Place::new();
    for (number, change) in changes.iter().enumerate() {
        let mut certificate = place.certificate();
        change(&mut certificate);
        place.write("receipt.json", receipt_to_json(&certificate));
        let ran = place.run(VERIFY).expect(6);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("cannot verify"), "change {number}: {}", ran.stderr);
    }
}

#[test]
fn files_that_are_no_receipts_prove_nothing() {
    let place = Place::new();
    let receipt = place.receipt();
    let cut = &receipt[..receipt.len() / 2];
    let more = receipt.replacen('{', "{\"note\":\"trust me\",", 1);
    for text in ["", "{}", "null", cut, more.as_str()] {
        place.write("receipt.json", text);
        place.run(VERIFY).expect(6);
    }
}

#[test]
fn a_receipt_of_another_chain_proves_nothing_here() {
    let (place, mut other) = (Place::new(), Place::new());
    other.genesis.chain = "other".into();
    place.write("receipt.json", other.receipt());
    let stderr = place.run(VERIFY).expect(6).stderr;
    assert!(stderr.contains("is for chain"), "{stderr}");
}

#[test]
fn files_that_are_not_there_are_usage_errors() {
    let place = Place::new();
    place.run(VERIFY).expect(2);
    place.write("receipt.json", place.receipt());
    place.run(["verify", "receipt", "receipt.json", "--genesis", "nowhere.json"]).expect(2);
    place.write("genesis.json", "{}");
    place.run(VERIFY).expect(2);
}

#[test]
fn files_that_are_no_proofs_prove_nothing() {
    const PROOF: [&str; 5] = ["verify", "proof", "proof.json", "--genesis", "genesis.json"];
    let place = Place::new();
    place.run(PROOF).expect(2);
    let receipt = place.receipt();
    for text in ["", "{}", "null", receipt.as_str(), "{\"format\":\"tetrarch-proof/2\"}"] {
        place.write("proof.json", text);
        let stderr = place.run(PROOF).expect(6).stderr;
        assert!(stderr.contains("cannot verify the proof"), "{stderr}");
    }
}
