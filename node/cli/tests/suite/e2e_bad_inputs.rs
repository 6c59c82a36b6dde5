//! What people and machines get wrong: each mistake has its exit code and its sentence, and harms nothing.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};

use crate::e2e_support::process::run;
use crate::e2e_support::{self, Net, PATIENCE};
use tetrarch_launcher::{Plan, ReplicaState, create};

fn write(net: &Net, name: &str, text: &str) -> PathBuf {
    let path = net.home.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn submit(net: &Net, file: &Path) -> e2e_support::process::Done {
    net.tetrarch(&["tx", "submit", file.to_str().unwrap()])
}

#[test]
fn transactions_that_must_not_execute() {
    let net = Net::up(4);
    net.ok(&["kv", "put", "kept", "1"]);

    // A signature with one digit changed.
    let signed = net.ok(&["tx", "sign", "put", "k", "forged"]);
    let at = signed.find("\"signature\": \"").unwrap() + "\"signature\": \"".len() + 20;
    let digit = if &signed[at..=at] == "0" { "1" } else { "0" };
    let forged = format!("{}{digit}{}", &signed[..at], &signed[at + 1..]);
    submit(&net, &write(&net, "forged.json", &forged)).assert_failed(6, &["signature"]);

    // A body changed under its signature and its id.
    let changed = signed.replace("\"nonce\": ", "\"nonce\": 9");
    submit(&net, &write(&net, "changed.json", &changed)).assert_failed(6, &["id"]);

    // For another chain.
    let other = create(&net.home.path().join("other"), &Plan::default()).unwrap();
    let (genesis, key) = (other.layout().genesis(), other.layout().client_key());
    let (genesis, key) = (genesis.to_str().unwrap(), key.to_str().unwrap());
    let foreign = net.ok(&["tx", "sign", "put", "k", "foreign", "--nonce", "1", "--genesis", genesis, "--key", key]);
    submit(&net, &write(&net, "foreign.json", &foreign)).assert_failed(2, &["for chain"]);

    // A nonce that is used.
    let one = net.ok(&["tx", "sign", "put", "k", "first", "--nonce", "1000000"]);
    let two = net.ok(&["tx", "sign", "put", "k", "second", "--nonce", "1000000"]);
    assert_eq!(submit(&net, &write(&net, "one.json", &one)).code, 0);
    submit(&net, &write(&net, "two.json", &two)).assert_failed(1, &["nonce 1000000 is already used"]);
    assert_eq!(net.ok(&["kv", "get", "k"]).trim_end(), "first");

    // No transaction at all.
    submit(&net, &write(&net, "nothing.json", "hello")).assert_failed(6, &["nothing.json"]);
    submit(&net, Path::new("/nowhere.json")).assert_failed(2, &["/nowhere.json"]);
    assert_eq!(net.ok(&["kv", "get", "kept"]).trim_end(), "1");
    net.assert_no_panic();
}

#[test]
fn values_and_keys_that_cannot_be() {
    let net = Net::up(4);
    let value = vec![b'x'; 1024 * 1024 + 1];
    let large = run(net.command(&["kv", "put", "large", "-"]), &value, PATIENCE);
    large.assert_failed(2, &["value is too large"]);
    net.tetrarch(&["kv", "put", "", "x"]).assert_failed(2, &["key is not provided"]);
    let limit = run(net.command(&["kv", "put", "large", "-", "--timeout", "60s"]), &value[1..], PATIENCE);
    assert_eq!(limit.code, 0, "the limit itself fits: {limit}");
    let got = net.ok(&["kv", "get", "large", "--timeout", "60s"]);
    assert_eq!(got.len(), 1024 * 1024);
    let damaged = write(&net, "damaged.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    std::fs::set_permissions(&damaged, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    net.tetrarch(&["kv", "put", "k", "v", "--key", damaged.to_str().unwrap()]).assert_failed(2, &["damaged.pem"]);
    net.tetrarch(&["testnet", "kill", "4"]).assert_failed(2, &["there is no replica 4", "0 to 3"]);
    net.tetrarch(&["testnet", "logs", "4"]).assert_failed(2, &["there is no replica 4"]);
    net.tetrarch(&["testnet", "start", "1"]).assert_failed(1, &["is running already"]);
    net.assert_no_panic();
}

#[test]
fn a_replica_whose_key_is_damaged_is_named() {
    let mut net = Net::up(4);
    net.ok(&["kv", "put", "kept", "1"]);
    net.down();
    let key = net.dir().join("replica-2/key.pem");
    let good = std::fs::read(&key).unwrap();
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    // One may fail.
    net.start();
    assert_eq!(net.ok(&["kv", "get", "kept"]).trim_end(), "1");
    let names_key = |reason: &String| reason.contains("key.pem");
    let status = net.until("the reason is known", |status| status.replicas[2].reason.as_ref().is_some_and(names_key));
    assert_eq!(status.replicas[2].state, ReplicaState::Unreachable);
    std::fs::write(&key, good).unwrap();
    net.until("it is back", |status| status.replicas[2].state == ReplicaState::Running);
    net.down();

    // Two may not.
    for replica in [1, 2] {
        std::fs::write(net.dir().join(format!("replica-{replica}/key.pem")), "nothing").unwrap();
    }
    let done = net.tetrarch(&["testnet", "up"]);
    done.assert_failed(1, &["replica 1 ends by itself", "replica 2 ends by itself", "key.pem"]);
    net.assert_no_panic();
}

/// It is named before anything else is started, and with what to change.
fn assert_gateways_port_is_looked_at(net: &Net) {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let other = (net.base_port + 8).to_string();
    let mut command = net.command(&["testnet", "up", "--base-port", &other, "--gateway-port", &port]);
    command.env_remove("TETRARCH_NO_GATEWAY");
    let done = e2e_support::process::run(command, b"", e2e_support::PATIENCE);
    done.assert_failed(1, &[&format!("TCP port {port} (the gateway"), "--gateway-port", "--no-gateway"]);
    assert!(!done.stderr.contains("starting"), "nothing was started: {done}");
}

#[test]
fn a_taken_port_is_found_first_and_can_be_changed() {
    let mut net = Net::up(4);
    net.ok(&["kv", "put", "kept", "1"]);
    net.down();
    let port = net.base_port + 3;
    let taken = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    let done = net.tetrarch(&["testnet", "up"]);
    done.assert_failed(1, &[&format!("UDP port {port} (replica 1, for clients) is in use"), "--base-port"]);
    assert!(!done.stderr.contains("starting"), "nothing was started: {done}");
    assert_gateways_port_is_looked_at(&net);
    net.tetrarch(&["testnet", "up", "--base-port", "65535"]).assert_failed(2, &["ports from 65535"]);
    let other = (net.base_port + 8).to_string();
    net.ok(&["testnet", "up", "--detach", "--base-port", &other]);
    assert_eq!(net.ok(&["kv", "get", "kept"]).trim_end(), "1", "the same data at other ports");
    net.ok(&["testnet", "down"]);
    drop(taken);
    net.assert_no_panic();
}

#[test]
fn directories_that_are_not_what_they_should_be() {
    let mut net = Net::up(4);
    net.ok(&["kv", "put", "kept", "1"]);
    net.down();
    let genesis = net.dir().join("genesis.json");
    let good = std::fs::read(&genesis).unwrap();
    let other = create(&net.home.path().join("other"), &Plan::default()).unwrap();
    std::fs::copy(other.layout().genesis(), &genesis).unwrap();
    net.tetrarch(&["testnet", "up"]).assert_failed(2, &["genesis.json is of another chain", "--reset"]);
    std::fs::write(&genesis, good).unwrap();

    net.tetrarch(&["testnet", "up", "-n", "7"]).assert_failed(2, &["has 4 replicas, not 7"]);
    let away = net.home.path().join("away");
    std::fs::rename(net.dir().join("replica-3"), &away).unwrap();
    net.tetrarch(&["testnet", "up"]).assert_failed(2, &["replica-3", "is missing"]);
    std::fs::rename(&away, net.dir().join("replica-3")).unwrap();

    // Another replica's data in this one's place: it must not vote with them.
    let (mine, theirs) = (net.dir().join("replica-3/data"), other.layout().data(3));
    std::fs::rename(&mine, &away).unwrap();
    std::fs::rename(&theirs, &mine).unwrap();
    net.start();
    let status = net.until("the reason is known", |status| status.replicas[3].reason.as_deref().is_some_and(is_crash));
    assert!(status.replicas[3].reason.as_deref().unwrap().contains("chain"), "{status:?}");
    net.down();
    std::fs::remove_dir_all(&mine).unwrap();
    std::fs::rename(&away, &mine).unwrap();

    // Not a testnet: never wiped, never filled.
    let diary = net.home.path().join("diary");
    std::fs::create_dir(&diary).unwrap();
    std::fs::write(diary.join("today.txt"), "mine").unwrap();
    let dir = diary.to_str().unwrap();
    net.tetrarch(&["testnet", "up", "--dir", dir]).assert_failed(2, &["is not a testnet directory"]);
    net.tetrarch(&["testnet", "up", "--reset", "--dir", dir]).assert_failed(7, &["is not a testnet directory"]);
    net.tetrarch(&["testnet", "down", "--wipe", "--dir", dir]).assert_failed(7, &["is not a testnet directory"]);
    assert_eq!(std::fs::read_to_string(diary.join("today.txt")).unwrap(), "mine");

    net.start();
    assert_eq!(net.ok(&["kv", "get", "kept"]).trim_end(), "1", "nothing is lost by all this");
    net.assert_no_panic();
}

fn is_crash(reason: &str) -> bool {
    reason.contains("last words")
}
