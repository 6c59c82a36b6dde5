//! Starting and ending a gateway, and what it refuses. Nobody answers it here.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use crate::common::{Place, Ran, closed_port, signal, started, tetrarch};

const KEY: &str = "client.pem";

/// The words of a command that serves at this address.
fn words(address: &str) -> Vec<String> {
    ["gateway", "--genesis", "genesis.json", "--identity", KEY, "--listen", address].map(str::to_owned).to_vec()
}

/// One that the system gives to nobody while no gateway is there.
fn free_address() -> SocketAddr {
    std::iter::repeat_with(closed_port).find(|address| TcpListener::bind(address).is_ok()).unwrap()
}

/// A gateway that serves.
fn start(place: &Place, address: SocketAddr, more: &[&str]) -> Child {
    let mut command = tetrarch(place.dir.path());
    started(command.args(words(&address.to_string())).args(more), "the gateway serves").0
}

#[test]
fn a_gateway_ends_in_good_order() {
    let place = Place::new();
    let address = free_address();
    let terminated = start(&place, address, &[]);
    // A connection that is left open holds nothing up for long.
    let mut idle = TcpStream::connect(address).unwrap();
    idle.write_all(b"GET /version HTTP/1.1\r\nHost: gateway\r\n\r\n").unwrap();
    let mut start_of_answer = [0; 12];
    idle.read_exact(&mut start_of_answer).unwrap();
    assert_eq!(&start_of_answer, b"HTTP/1.1 200");
    signal(&terminated, "-TERM");
    Ran::from(terminated.wait_with_output().unwrap()).expect(0);

    let interrupted = start(&place, address, &[]);
    signal(&interrupted, "-INT");
    Ran::from(interrupted.wait_with_output().unwrap()).expect(130);
    let mut orphaned = start(&place, address, &["--exit-with-stdin"]);
    drop(orphaned.stdin.take());
    Ran::from(orphaned.wait_with_output().unwrap()).expect(0);
}

#[test]
fn two_gateways_do_not_share_a_key_or_a_port() {
    let place = Place::new();
    let address = free_address();
    let first = start(&place, address, &[]);
    let stderr = place.run(words(&free_address().to_string())).expect(7).stderr;
    assert!(
        stderr.contains("client.pem is in use by another process") && stderr.contains("a key of your own"),
        "{stderr}"
    );

    std::fs::copy(place.path(KEY), place.path("other.pem")).unwrap();
    let mut second = words(&address.to_string());
    second[4] = "other.pem".to_owned();
    let stderr = place.run(second).expect(1).stderr;
    assert!(stderr.contains(&format!("{address} is in use")) && stderr.contains("--listen"), "{stderr}");
    signal(&first, "-TERM");
    Ran::from(first.wait_with_output().unwrap()).expect(0);
}

#[test]
fn what_is_wrong_with_its_files_and_options_is_said() {
    let place = Place::new();
    let refused = |words: Vec<String>, code: i32, said: &[&str]| {
        let stderr = place.run(words).expect(code).stderr;
        assert!(said.iter().all(|said| stderr.contains(said)), "not all of {said:?} in {stderr}");
    };
    let with = |more: &[&str]| [words("127.0.0.1:0"), more.iter().map(ToString::to_string).collect()].concat();
    let mut missing = words("127.0.0.1:0");
    missing[4] = "nobody.pem".to_owned();
    refused(missing, 2, &["nobody.pem", "check the path"]);
    refused(with(&["--cert-file", "no.pem", "--key-file", "no.key"]), 2, &["a certificate in no.pem"]);
    refused(with(&["--cert-file", "genesis.json", "--key-file", KEY]), 2, &["genesis.json", "PEM"]);
    refused(with(&["--cert-file", "no.pem"]), 2, &["--key-file"]);
    refused(with(&["--client-cert-auth"]), 2, &["--trusted-ca-file"]);
    refused(
        with(&["--auto-compaction-retention", "10"]),
        2,
        &["has no unit of time", "--auto-compaction-mode revision"],
    );
    let by_revisions = ["--auto-compaction-mode", "revision", "--auto-compaction-retention", "1h"];
    refused(with(&by_revisions), 2, &["no number of revisions"]);
    for url in ["10.0.0.1:2379", "http://10.0.0.1", "http://:2379", "https://a:1,https://b:2/c", "quic://a:1"] {
        refused(with(&["--advertise-client-urls", url]), 2, &["--advertise-client-urls", "http://10.0.0.1:2379"]);
    }
    refused(with(&by_revisions[..2]), 2, &["--auto-compaction-retention"]);

    std::fs::write(place.path("client.pem.nonces"), "many").unwrap();
    refused(words("127.0.0.1:0"), 1, &["client.pem.nonces does not say which nonces were used", "remove it"]);
    std::fs::set_permissions(place.path(KEY), std::fs::Permissions::from_mode(0o644)).unwrap();
    refused(words("127.0.0.1:0"), 2, &["client.pem is open to other users", "chmod 600"]);
    let mut nowhere = words("127.0.0.1:0");
    nowhere[2] = "nowhere.json".to_owned();
    refused(nowhere, 2, &["nowhere.json"]);
}
