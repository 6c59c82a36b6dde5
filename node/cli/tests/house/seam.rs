//! A production node cannot be given a liar's seam: who names the seam, and who names the crate that fills it.

use super::code::find_words;
use super::workspace::{Workspace, refuse};

/// Names, and the places where they may stand. Tests may use them, too.
const PLACES: &[(&str, &[&str])] = &[
    ("run_behind", &["node/server/src/", "testnet/liar/src/"]),
    ("start_behind", &["node/server/src/"]),
    ("Seam", &["node/server/src/", "testnet/liar/src/"]),
    ("tetrarch_liar", &["testnet/launcher/src/", "node/cli/src/testnet/"]),
];

#[test]
fn the_seam_is_named_in_testnets_only() {
    let workspace = Workspace::here();
    let sources: Vec<_> = workspace.crates.iter().flat_map(|it| workspace.sources(it)).collect();
    let mut found = Vec::new();
    for (name, places) in PLACES {
        let naming: Vec<&str> = sources
            .iter()
            .filter(|source| find_words(&source.code.code, name).next().is_some())
            .map(|source| source.path.as_str())
            .collect();
        assert!(!naming.is_empty(), "{name} is gone: change this test with it");
        let stray = naming.into_iter().filter(|path| !places.iter().any(|place| path.starts_with(place)));
        found.extend(stray.map(|path| format!("{path} names {name}: only {places:?} may")));
    }
    refuse("What runs a production node must not know how to put a liar before it.", &found);
}

#[test]
fn what_runs_a_node_passes_no_seam() {
    let node = Workspace::here().read("node/server/src/node.rs").expect("the node's own file");
    let code = super::code::split(&node).code;
    let run = code.split("pub async fn run(").nth(1).and_then(|rest| rest.split('}').next()).expect("`run` is there");
    assert!(run.contains("keep(config, None, shutdown)"), "`run` passes no seam: {run}");
}
