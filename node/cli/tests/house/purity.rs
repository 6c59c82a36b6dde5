//! The pure crates answer the same to the same inputs: no runtime, thread, clock, OS randomness, environment, disk or random order.
//! Clippy knows most of it too (their clippy.toml); this sees also what Clippy cannot resolve, and direct dependencies.

use super::code::{find_words, imports, line_of};
use super::workspace::{Source, Workspace, refuse};

const PURE: &[&str] = &["types", "replica", "kv", "chance", "adversary", "reference", "simulator"];

const NO_RUNTIME: &str = "there is no runtime in a pure crate: it is stepped by whoever holds it";
const NO_THREAD: &str = "what threads do first is not replayable";
const NO_CLOCK: &str = "time is an argument (`Now`), or a seed replays nothing";
const NO_RANDOMNESS: &str = "randomness comes from a seed that a caller gives, or nothing replays";
const NO_ENVIRONMENT: &str = "configuration is an argument; replicas must not differ by their surroundings";
const NO_RANDOM_ORDER: &str =
    "its order differs from run to run and from replica to replica: take a BTreeMap or BTreeSet";
const NO_DISK: &str = "a pure crate reads and writes nothing: the storage traits are an argument";
const NO_NETWORK: &str = "a pure crate sends by returning what to send; addresses alone are fine";
const NO_OUTPUT: &str = "observations are returned as data, not printed";

/// Paths and names, and why they are banned. A banned path covers all below it.
const BANS: &[(&str, &str)] = &[
    ("std::thread", NO_THREAD),
    ("thread_local!", NO_THREAD),
    ("Instant", NO_CLOCK),
    ("SystemTime", NO_CLOCK),
    ("UNIX_EPOCH", NO_CLOCK),
    ("std::env", NO_ENVIRONMENT),
    ("std::process", NO_ENVIRONMENT),
    ("HashMap", NO_RANDOM_ORDER),
    ("HashSet", NO_RANDOM_ORDER),
    ("RandomState", NO_RANDOM_ORDER),
    ("std::fs", NO_DISK),
    ("TcpStream", NO_NETWORK),
    ("TcpListener", NO_NETWORK),
    ("UdpSocket", NO_NETWORK),
    ("ToSocketAddrs", NO_NETWORK),
    ("UnixStream", NO_NETWORK),
    ("tokio", NO_RUNTIME),
    ("quinn", NO_RUNTIME),
    ("getrandom", NO_RANDOMNESS),
    ("rand::", NO_RANDOMNESS),
    ("println!", NO_OUTPUT),
    ("print!", NO_OUTPUT),
    ("eprintln!", NO_OUTPUT),
    ("eprint!", NO_OUTPUT),
];

const DEPENDENCIES: &[(&str, &str)] = &[
    ("tokio", NO_RUNTIME),
    ("quinn", NO_RUNTIME),
    ("async-std", NO_RUNTIME),
    ("rand", NO_RANDOMNESS),
    ("getrandom", NO_RANDOMNESS),
    ("fastrand", NO_RANDOMNESS),
    ("rocksdb", NO_DISK),
    ("tempfile", NO_DISK),
    ("transport", NO_NETWORK),
];

#[test]
fn pure_crates_hold_nothing_impure() {
    let workspace = Workspace::here();
    let pure = workspace.crates.iter().filter(|it| PURE.contains(&it.name.as_str()));
    let mut found: Vec<String> =
        pure.flat_map(|it| workspace.sources(it)).flat_map(|source| impurities(&source)).collect();
    found.dedup();
    refuse("These have no place in a pure crate.", &found);
}

fn impurities(source: &Source) -> Vec<String> {
    let code = &source.code.code;
    let mut found = Vec::new();
    for (ban, why) in BANS {
        let written = find_words(code, ban).map(|at| line_of(code, at));
        let imported = imports(code).into_iter().filter(|(_, path)| find_words(path, ban).next().is_some());
        found.extend(written.chain(imported.map(|(line, _)| line)).map(|line| (line, ban, why)));
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|(line, ban, why)| format!("{}:{line}: `{ban}`: {why}", source.path)).collect()
}

#[test]
fn pure_crates_depend_on_nothing_impure() {
    let workspace = Workspace::here();
    let mut found = Vec::new();
    for it in workspace.crates.iter().filter(|it| PURE.contains(&it.name.as_str())) {
        for dependency in it.dependencies.iter().filter(|dependency| !dependency.dev) {
            let ban = DEPENDENCIES.iter().find(|(name, _)| *name == dependency.name);
            found.extend(ban.map(|(name, why)| format!("{} -> {name}: {why}", it.name)));
        }
    }
    refuse("A pure crate must not depend directly on these.", &found);
}

#[test]
fn pure_crates_exist_and_have_clippys_bans() {
    let workspace = Workspace::here();
    for name in PURE {
        let it = workspace.crates.iter().find(|it| it.name == *name).expect("PURE names crates of the workspace");
        let bans = std::fs::read_to_string(it.folder.join("clippy.toml")).unwrap_or_default();
        assert!(bans.contains("disallowed-types"), "{name}: clippy.toml with the bans is missing");
        for line in workspace.read("clippy.toml").unwrap_or_default().lines() {
            assert!(bans.contains(line), "{name}: clippy.toml hides the root's, and lacks its line `{line}`");
        }
    }
}
