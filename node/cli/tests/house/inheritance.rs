//! Every crate takes version, edition, licence, lints and the versions of its dependencies from the workspace, and none is unsafe.

use super::code::{find_words, line_of};
use super::workspace::{Crate, Workspace, refuse};

/// The only sections that name dependencies: the checks read their lines.
const DEPENDENCIES: &[&str] = &["[dependencies]", "[dev-dependencies]", "[build-dependencies]"];

const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

#[test]
fn crates_inherit_what_the_workspace_says() {
    let found: Vec<String> = Workspace::here().crates.iter().flat_map(deviations).collect();
    refuse(
        "Take these from the workspace (`… = { workspace = true }`), so that there is one place to change them.",
        &found,
    );
}

fn deviations(it: &Crate) -> Vec<String> {
    let manifest = it.manifest();
    let package = section(&manifest, "[package]");
    let package = INHERITED.iter().filter(|key| !package.contains(&format!("{key}.workspace = true").as_str()));
    let mut found: Vec<String> = package.map(|key| format!("{}: `{key}` in [package]", it.name)).collect();
    if !section(&manifest, "[lints]").contains(&"workspace = true") {
        found.push(format!("{}: [lints]", it.name));
    }
    for kind in DEPENDENCIES {
        let own = section(&manifest, kind).into_iter().filter(|line| !line.contains("workspace = true"));
        found.extend(own.map(|line| format!("{}: `{line}` in {kind}", it.name)));
    }
    found
}

/// The lines of a section, without empty ones and comments.
fn section<'a>(manifest: &'a str, head: &str) -> Vec<&'a str> {
    let lines = manifest.lines().map(str::trim).skip_while(|line| *line != head).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn no_dependency_has_a_section_of_its_own() {
    let stray = |line: &str| line.starts_with('[') && line.contains("dependencies") && !DEPENDENCIES.contains(&line);
    let mut found = Vec::new();
    for it in &Workspace::here().crates {
        let manifest = it.manifest();
        let sections = manifest.lines().map(str::trim).filter(|line| stray(line));
        found.extend(sections.map(|section| format!("{}: {section}", it.name)));
    }
    refuse("Write dependencies as lines, `name = { workspace = true }`; the checks here read only those.", &found);
}

#[test]
fn unsafe_appears_nowhere() {
    let workspace = Workspace::here();
    let root = workspace.read("Cargo.toml").expect("the workspace has a manifest");
    assert!(root.contains("unsafe_code = \"forbid\""), "the workspace's lints forbid unsafe code");
    let mut found = Vec::new();
    for source in workspace.everything() {
        let code = &source.code.code;
        found.extend(find_words(code, "unsafe").map(|at| format!("{}:{}", source.path, line_of(code, at))));
    }
    refuse("Unsafe code has no place here: nothing in the project needs it.", &found);
}
