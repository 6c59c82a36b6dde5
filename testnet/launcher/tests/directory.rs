//! Making, opening, moving and wiping a testnet's directory.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tetrarch_launcher::{LaunchError, Layout, Plan, SupervisorLock, Testnet, create, wipe};
use tetrarch_types::Parameters;

fn plan(n: u16) -> Plan {
    Plan { n, base_port: 17_400, ..Plan::default() }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_testnet_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("some/where/net");
    let testnet = create(&root, &plan(5)).unwrap();
    testnet.check_files().unwrap();
    let layout = testnet.layout();
    assert_eq!(testnet.genesis().replicas.len(), 5);
    assert_eq!(testnet.genesis().replicas[3].peer_address.to_string(), "127.0.0.1:17406");
    assert_eq!(testnet.genesis().replicas[3].client_address.to_string(), "127.0.0.1:17407");
    assert_eq!(mode(layout.root()), 0o700);
    assert_eq!(mode(&layout.client_key()), 0o600);
    assert!((0..5).all(|replica| layout.config(replica).exists() && mode(&layout.key(replica)) == 0o600));
    let names: Vec<_> =
        std::fs::read_dir(root.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["net"], "nothing is left beside it");
    assert_eq!(Testnet::open(&root).unwrap().genesis(), testnet.genesis());
}

#[test]
fn a_chain_has_the_parameters_that_were_planned() {
    let dir = tempfile::tempdir().unwrap();
    let parameters = Parameters { checkpoint_interval: 8, window: 16 };
    let testnet = create(&dir.path().join("net"), &Plan { parameters, ..plan(4) }).unwrap();
    assert_eq!(Testnet::open(testnet.layout().root()).unwrap().genesis().parameters, parameters);
    let impossible = Plan { parameters: Parameters { checkpoint_interval: 8, window: 15 }, ..plan(4) };
    let error = create(&dir.path().join("other"), &impossible).unwrap_err();
    assert!(matches!(error, LaunchError::Genesis(_)) && !dir.path().join("other").exists(), "{error}");
}

#[test]
fn two_testnets_are_two_chains() {
    let dir = tempfile::tempdir().unwrap();
    let one = create(&dir.path().join("one"), &plan(4)).unwrap();
    let two = create(&dir.path().join("two"), &plan(4)).unwrap();
    assert_ne!(one.genesis().digest(), two.genesis().digest());
    std::fs::copy(two.layout().genesis(), one.layout().genesis()).unwrap();
    let error = Testnet::open(one.layout().root()).unwrap_err();
    assert!(matches!(error, LaunchError::OtherGenesis { .. }), "{error}");
}

#[test]
fn sizes_that_tolerate_nothing_and_need_everyone_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for n in [0, 2, 3, 101] {
        assert!(create(&dir.path().join("net"), &plan(n)).is_err(), "{n}");
        assert!(!dir.path().join("net").exists());
    }
    assert!(create(&dir.path().join("net"), &plan(1)).is_ok());
}

#[test]
fn what_is_there_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("net");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("diary.txt"), "mine").unwrap();
    assert!(matches!(create(&root, &plan(4)), Err(LaunchError::Foreign { .. })));
    assert!(matches!(Testnet::open(&root), Err(LaunchError::Foreign { .. })));
    let lock = SupervisorLock::take(&Layout::new(dir.path())).unwrap();
    assert!(matches!(wipe(&root, &lock), Err(LaunchError::Foreign { .. })));
    std::fs::write(root.join("testnet.json"), r#"{"format":"something else","version":1}"#).unwrap();
    assert!(matches!(wipe(&root, &lock), Err(LaunchError::Foreign { .. })));
    assert!(matches!(Testnet::open(&root), Err(LaunchError::Foreign { .. })));
    assert_eq!(std::fs::read_to_string(root.join("diary.txt")).unwrap(), "mine");
}

#[test]
fn an_empty_directory_is_as_good_as_none() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Testnet::open(dir.path()), Err(LaunchError::Missing { .. })));
    create(dir.path(), &plan(4)).unwrap();
    assert!(matches!(create(dir.path(), &plan(4)), Err(LaunchError::BadPath { .. })), "but a testnet is not");
}

#[test]
fn a_crash_in_the_middle_leaves_nothing_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("net");
    let half = dir.path().join(".net.new");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join("testnet.json"), r#"{"format":"tetrarch-testnet","version":1,"n":4}"#).unwrap();
    std::fs::create_dir(half.join("replica-0")).unwrap();
    assert!(matches!(Testnet::open(&root), Err(LaunchError::Missing { .. })));
    create(&root, &plan(4)).unwrap();
    assert!(!half.exists());
}

#[test]
fn two_at_the_same_time_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("net");
    let half = dir.path().join(".net.new");
    std::fs::create_dir(&half).unwrap();
    let lock = std::fs::File::open(&half).unwrap();
    lock.lock().unwrap();
    assert!(matches!(create(&root, &plan(4)), Err(LaunchError::BeingMade { .. })));
    drop(lock);
    create(&root, &plan(4)).unwrap();
}

#[test]
fn what_is_missing_damaged_or_from_another_version_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("net");
    let layout = create(&root, &plan(4)).unwrap().layout().clone();
    let marker = std::fs::read_to_string(layout.marker()).unwrap();

    std::fs::rename(layout.key(2), layout.root().join("away.pem")).unwrap();
    let error = Testnet::open(&root).unwrap().check_files().unwrap_err().to_string();
    assert!(error.contains("replica-2/key.pem") && error.contains("--reset"), "{error}");
    std::fs::rename(layout.root().join("away.pem"), layout.key(2)).unwrap();

    std::fs::write(layout.marker(), marker.replace("\"version\": 1", "\"version\": 9")).unwrap();
    assert!(matches!(Testnet::open(&root), Err(LaunchError::Version { found: 9, .. })));
    std::fs::write(layout.marker(), "not json").unwrap();
    assert!(matches!(Testnet::open(&root), Err(LaunchError::Damaged { .. })));
    std::fs::write(layout.marker(), marker.replace("\"n\": 4", "\"n\": 7")).unwrap();
    assert!(matches!(Testnet::open(&root), Err(LaunchError::Damaged { .. })));
    std::fs::write(layout.marker(), &marker).unwrap();
    assert!(Testnet::open(&root).unwrap().check_files().is_ok());
    std::fs::remove_file(layout.genesis()).unwrap();
    assert!(matches!(Testnet::open(&root), Err(LaunchError::Incomplete { .. })));

    std::fs::write(layout.genesis(), "{}").unwrap();
    let error = Testnet::open(&root).unwrap_err().to_string();
    assert!(error.contains("genesis.json"), "{error}");
}

#[test]
fn other_ports_are_the_same_chain() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("net");
    let mut testnet = create(&root, &plan(4)).unwrap();
    let chain = testnet.genesis().digest();
    let lock = SupervisorLock::take(testnet.layout()).unwrap();
    testnet.move_ports(27_400, &lock).unwrap();
    assert!(matches!(testnet.move_ports(65_530, &lock), Err(LaunchError::PortRange { .. })));
    let again = Testnet::open(&root).unwrap();
    assert_eq!(again.genesis().replicas[1].client_address.port(), 27_403);
    assert_eq!(again.genesis().digest(), chain);
}

#[test]
fn an_interrupted_move_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("net");
    let testnet = create(&root, &plan(4)).unwrap();
    let marker = std::fs::read_to_string(testnet.layout().marker()).unwrap();
    std::fs::write(testnet.layout().marker(), marker.replace("17400", "27400")).unwrap();
    assert_eq!(Testnet::open(&root).unwrap().genesis().replicas[0].peer_address.port(), 27_400);
    let genesis = std::fs::read_to_string(testnet.layout().genesis()).unwrap();
    assert!(genesis.contains("127.0.0.1:27407") && !genesis.contains("17400"));
}

#[test]
fn wiping_takes_everything_and_follows_no_links() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("net");
    let testnet = create(&root, &plan(4)).unwrap();
    let outside = dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("diary.txt"), "mine").unwrap();
    std::os::unix::fs::symlink(&outside, root.join("link")).unwrap();
    let lock = SupervisorLock::take(testnet.layout()).unwrap();
    wipe(&root, &lock).unwrap();
    assert!(!root.exists() && !dir.path().join(".net.wiped").exists());
    assert!(outside.join("diary.txt").exists());
}
