//! Arguments: help, usage errors, completions, manual pages.

use std::path::Path;
use std::process::Stdio;

use crate::common::{Place, run, tetrarch};

const COMMANDS: &[&[&str]] = &[
    &[],
    &["testnet"],
    &["testnet", "corrupt"],
    &["kv"],
    &["kv", "put"],
    &["kv", "get"],
    &["kv", "del"],
    &["tx"],
    &["tx", "sign"],
    &["tx", "sign", "put"],
    &["tx", "submit"],
    &["tx", "show"],
    &["tx", "receipt"],
    &["sim"],
    &["sim", "run"],
    &["sim", "soak"],
    &["sim", "chart"],
    &["sim", "shrink"],
    &["keys"],
    &["keys", "new"],
    &["keys", "show"],
    &["verify"],
    &["verify", "receipt"],
    &["verify", "proof"],
    &["inspect"],
    &["inspect", "journal"],
    &["inspect", "checkpoint"],
    &["inspect", "state"],
    &["node"],
    &["node", "init"],
    &["node", "run"],
    &["doctor"],
    &["completions"],
    &["man"],
];

#[test]
fn every_command_has_help_on_stdout() {
    for command in COMMANDS {
        let help = run(Path::new("/"), command.iter().chain(&["--help"])).expect(0);
        assert!(help.stdout.contains("Usage: tetrarch") && help.stderr.is_empty(), "{command:?}");
    }
}

#[test]
fn the_help_tells_the_exit_codes() {
    let help = run(Path::new("/"), ["--help"]).expect(0).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("4 no quorum or timeout"), "{help}");
}

#[test]
fn mistakes_on_the_command_line_have_exit_code_2_and_nothing_on_stdout() {
    let mistakes: &[&[&str]] = &[
        &[],
        &["nonsense"],
        &["kv"],
        &["kv", "put", "a"],
        &["kv", "get"],
        &["kv", "get", "a", "--timeout", "5"],
        &["kv", "get", "a", "--timeout", "0s"],
        &["kv", "get", "a", "--limit", "5"],
        &["kv", "get", "a", "--output", "xml"],
        &["kv", "get", "a", "--prefix", "--verify"],
        &["kv", "get", "a", "--save", "file"],
        &["tx", "sign", "get", "a", "--verify"],
        &["inspect"],
        &["inspect", "votes", "."],
        &["kv", "put", "a", "b", "--if-absent", "--if-revision", "3"],
        &["tx", "show", "xyz"],
        &["sim", "run"],
        &["sim", "soak"],
        &["sim", "chart"],
        &["node", "init"],
        &["node", "init", "--dir", "x"],
        &["node", "run"],
        // A node cannot be told to lie.
        &["node", "run", "--config", "node.toml", "--mode", "silent", "--seed", "1"],
        &["testnet", "corrupt", "1"],
        &["testnet", "corrupt", "1", "--mode", "honest"],
        &["completions", "tcl"],
    ];
    for arguments in mistakes {
        let ran = run(Path::new("/"), *arguments).expect(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{arguments:?}: {}", ran.stdout);
    }
}

#[test]
fn options_may_stand_before_and_behind_values_that_begin_with_a_hyphen() {
    let place = Place::new();
    let lines: &[&[&str]] = &[
        &["tx", "sign", "put", "a", "-1", "--nonce", "1", "--dir", "."],
        &["tx", "--dir", ".", "sign", "--nonce", "1", "put", "a", "-1"],
        &["tx", "sign", "put", "--nonce", "1", "--dir", ".", "a", "-1"],
    ];
    for line in lines {
        let signed = place.run(*line).expect(0);
        assert!(signed.stdout.contains("tetrarch-transaction/1"), "{line:?}");
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(Path::new("/"), ["completions", shell]).expect(0).stdout;
        assert!(script.contains("testnet") && script.contains("receipt"), "{shell}");
    }
}

#[test]
fn manual_pages_are_written() {
    let place = Place::new();
    place.run(["man", "pages"]).expect(0);
    for page in ["tetrarch.1", "tetrarch-kv.1", "tetrarch-kv-put.1", "tetrarch-tx-sign-put.1"] {
        let text = std::fs::read_to_string(place.path("pages").join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    place.run(["man", "genesis.json"]).expect(1);
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut child = tetrarch(Path::new("/"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_broken_log_filter_is_a_usage_error() {
    let place = Place::new();
    place.run(["--log", "no=such=filter", "keys", "show", "client.pem"]).expect(2);
    place.run(["--log", "debug", "keys", "show", "client.pem"]).expect(0);
}
