//! One crate a folder, arrows point downwards only (specs/architecture.md).

use super::workspace::{Workspace, refuse};

/// What each crate may depend on, of our own. Tests may use more.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "launcher",
            "liar",
            "simulator",
            "bench",
            "gateway",
            "kv-client",
            "client",
            "server",
            "transport",
            "kv",
            "replica",
            "types",
            "storage",
            "crypto",
        ],
    ),
    ("bench", &["gateway", "kv-client", "client", "kv", "types", "crypto"]),
    ("fuzz", &["simulator", "client", "kv", "replica", "types", "storage", "crypto"]),
    ("launcher", &["liar", "client", "server", "types", "crypto"]),
    ("liar", &["adversary", "chance", "server", "types", "crypto"]),
    ("simulator", &["adversary", "reference", "chance", "replica", "kv", "types", "storage", "crypto", "mutants"]),
    ("adversary", &["chance", "types", "crypto"]),
    ("chance", &[]),
    ("stopwatch", &[]),
    ("reference", &["kv", "types"]),
    ("gateway", &["kv-client", "client", "kv", "types", "crypto"]),
    ("kv-client", &["client", "kv", "types", "crypto"]),
    ("client", &["transport", "types", "crypto"]),
    ("server", &["replica", "kv", "transport", "storage", "types", "crypto"]),
    ("transport", &["types", "crypto"]),
    ("kv", &["types", "storage", "crypto"]),
    ("replica", &["types", "crypto"]),
    ("types", &["crypto"]),
    ("storage", &[]),
    ("crypto", &["mutants"]),
    ("mutants", &[]),
];

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(from, _)| *from == name).map(|(_, to)| *to)
}

#[test]
fn arrows_point_downwards_only() {
    let workspace = Workspace::here();
    let ours = |name: &str| workspace.crates.iter().any(|it| it.name == name);
    let mut found = Vec::new();
    for it in &workspace.crates {
        let Some(allowed) = allowed(&it.name) else {
            found.push(format!(
                "{} has no place in the house: give it one in specs/architecture.md and in ARROWS",
                it.name
            ));
            continue;
        };
        let stray =
            it.dependencies.iter().filter(|to| !to.dev && ours(&to.name) && !allowed.contains(&to.name.as_str()));
        found.extend(stray.map(|to| format!("{} -> {}: may depend on {allowed:?} only", it.name, to.name)));
    }
    refuse("The architecture does not allow these dependencies (specs/architecture.md, The house).", &found);
}

#[test]
fn the_table_itself_has_no_circle_and_no_strangers() {
    let workspace = Workspace::here();
    for (at, (from, to)) in ARROWS.iter().enumerate() {
        assert!(workspace.crates.iter().any(|it| it.name == *from), "{from} is no crate of the workspace any more");
        // Downwards in the table means that no arrow leads back.
        let below = |name: &&str| ARROWS[at + 1..].iter().any(|(lower, _)| lower == name);
        assert!(to.iter().all(below), "{from} points upwards in the table");
    }
}

/// The feature `mutants` does not compile in a build that ships; this refuses the ways in which it could get into one. It is also what makes its
/// switch, which a pure crate could not have, harmless in the pure crates.
#[test]
fn deliberate_bugs_come_only_with_the_feature_of_that_name() {
    let mut found = Vec::new();
    for it in &Workspace::here().crates {
        let firm = it.dependencies.iter().filter(|to| to.name == "mutants" && !to.optional);
        found.extend(firm.map(|_| format!("{} -> mutants is not optional", it.name)));
        let asking = it.dependencies.iter().filter(|to| to.features.iter().any(|feature| feature == "mutants"));
        found.extend(asking.map(|to| format!("{} -> {} asks for its feature `mutants`", it.name, to.name)));
        let leads_there = |on: &Vec<String>| on.iter().any(|it| it.contains("mutants"));
        let stray = it.features.iter().filter(|(name, on)| name != "mutants" && leads_there(on));
        found.extend(stray.map(|(name, _)| format!("{}: the feature `{name}` turns them on", it.name)));
    }
    refuse("Deliberate bugs are for the harness alone (the crate mutants).", &found);
}
