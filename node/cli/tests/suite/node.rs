//! Setting up one replica, running it, and the doctor's view of it.

use std::process::Child;

use crate::common::{Place, Ran, signal, started, tetrarch};

const INIT: [&str; 8] = ["node", "init", "--dir", "node", "--genesis", "genesis.json", "--key", "replica.pem"];
const CONFIG: [&str; 2] = ["--config", "node/node.toml"];

fn place() -> Place {
    let place = Place::new();
    place.keys[1].save(&place.path("replica.pem"), None).unwrap();
    place
}

#[test]
fn a_node_is_set_up_once_and_only_with_a_members_key() {
    let place = place();
    let mut strangers = INIT;
    strangers[7] = "client.pem";
    let stderr = place.run(strangers).expect(2).stderr;
    assert!(stderr.contains("belongs to no replica") && !place.path("node").exists(), "{stderr}");
    let made = place.run(INIT.iter().chain(&["--output", "json"])).expect(0).json();
    assert_eq!((&made["replica"], &made["chain"]), (&1.into(), &place.genesis.digest().to_string().into()));
    place.run(INIT).expect(1);
    place.run(["node", "init"].iter().chain(&CONFIG)).expect(7);
}

#[test]
fn what_was_not_set_up_does_not_run_alone() {
    let mut place = place();
    place.run(["node", "run", "--config", "nowhere.toml"]).expect(2);
    place.genesis.replicas = vec![place.genesis.replicas[1].clone()];
    place.write("genesis.json", place.genesis.to_json());
    place.write("node.toml", "genesis = \"genesis.json\"\nkey = \"replica.pem\"\n");
    let stderr = place.run(["node", "run", "--config", "node.toml"]).expect(2).stderr;
    assert!(stderr.contains("tetrarch node init"), "{stderr}");
    place.write("node.toml", "nonsense = 1\n");
    place.run(["node", "run", "--config", "node.toml"]).expect(2);
}

#[test]
fn what_was_not_set_up_runs_among_others_and_says_that_it_lost_everything() {
    let place = place();
    place.write("node.toml", "genesis = \"genesis.json\"\nkey = \"replica.pem\"\n");
    let (child, log) = start_with(&place, &["--config", "node.toml"]);
    assert!(log.contains("this replica lost everything") && log.contains("tetrarch node init"), "{log}");
    signal(&child, "-TERM");
    Ran::from(child.wait_with_output().unwrap()).expect(0);
}

fn start(place: &Place, more: &[&str]) -> Child {
    start_with(place, &[&CONFIG, more].concat()).0
}

/// A node that runs, and what it logged until then.
fn start_with(place: &Place, arguments: &[&str]) -> (Child, String) {
    started(tetrarch(place.dir.path()).args(["node", "run"]).args(arguments), "the node starts")
}

#[test]
fn a_node_ends_in_good_order() {
    let place = place();
    place.run(INIT).expect(0);
    let terminated = start(&place, &[]);
    let doctor = place.run(["doctor", "--dir", "node"]).stdout;
    assert!(doctor.contains(&format!("in use by process {}", terminated.id())), "{doctor}");
    let second = place.run(["node", "run"].iter().chain(&CONFIG)).expect(1).stderr;
    assert!(second.contains("another process has it open"), "{second}");
    signal(&terminated, "-TERM");
    Ran::from(terminated.wait_with_output().unwrap()).expect(0);
    let interrupted = start(&place, &[]);
    signal(&interrupted, "-INT");
    Ran::from(interrupted.wait_with_output().unwrap()).expect(130);
    let mut orphaned = start(&place, &["--exit-with-stdin"]);
    drop(orphaned.stdin.take());
    Ran::from(orphaned.wait_with_output().unwrap()).expect(0);
}

#[test]
fn the_doctor_finds_what_is_wrong_with_a_directory() {
    let place = place();
    let stderr = place.run(["doctor", "--dir", "."]).expect(1);
    assert!(stderr.stdout.contains("is neither a testnet's directory nor a node's"), "{}", stderr.stdout);
    place.run(INIT).expect(0);
    let json = place.run(["doctor", "--dir", "node", "--output", "json"]).expect(0).json();
    assert_eq!(json["ok"], true);
    std::fs::remove_file(place.path("replica.pem")).unwrap();
    let json = place.run(["doctor", "--dir", "node", "--output", "json"]).expect(1).json();
    assert_eq!(json["ok"], false);
    let tls = place.run(["doctor", "--dir", ".", "--cert-file", "none.pem", "--key-file", "none.pem"]).expect(1);
    assert!(tls.stdout.contains("cannot read a certificate in none.pem"), "{}", tls.stdout);
}
