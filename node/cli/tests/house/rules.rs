//! Every rule that a comment cites, like N-3, is written in specs/protocol.md, specs/state.md or specs/store.md, once.

use std::collections::BTreeSet;

use super::code::is_word;
use super::workspace::{Workspace, refuse};

/// Where rules are written: those of the state stand beside its tree, those of the store beside its rows.
const RULES: [&str; 3] = ["specs/protocol.md", "specs/state.md", "specs/store.md"];

/// Their text, all of it.
fn written(workspace: &Workspace) -> String {
    let read = |path: &&str| workspace.read(path).unwrap_or_else(|| panic!("{path} must exist: code cites its rules"));
    RULES.iter().map(read).collect::<Vec<_>>().join("\n")
}

/// The ids in a text: a capital letter, a hyphen and digits, with no word around them.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('-').filter_map(|(hyphen, _)| {
        let start = hyphen.checked_sub(1).filter(|start| text.as_bytes()[*start].is_ascii_uppercase())?;
        let digits = text[hyphen + 1..].chars().take_while(char::is_ascii_digit).count();
        let end = hyphen + 1 + digits;
        let alone = !text[..start].ends_with(is_word) && !text[end..].starts_with(is_word);
        (digits > 0 && alone).then(|| &text[start..end])
    })
}

/// A rule is defined where its id stands in bold.
fn defined(protocol: &str) -> Vec<&str> {
    protocol.split("**").skip(1).step_by(2).filter(|bold| ids(bold).next() == Some(bold)).collect()
}

#[test]
fn cited_rules_are_written() {
    let workspace = Workspace::here();
    let rules = written(&workspace);
    let defined: BTreeSet<&str> = defined(&rules).into_iter().collect();
    assert!(!defined.is_empty(), "{RULES:?} define no rule: a definition is an id in bold, like **N-3**");
    let mut found = Vec::new();
    for source in workspace.everything() {
        for (number, comment) in source.code.comments.lines().enumerate() {
            let unknown = ids(comment).filter(|id| !defined.contains(id));
            found.extend(unknown.map(|id| format!("{}:{}: {id}", source.path, number + 1)));
        }
    }
    refuse(&format!("Comments cite rules that {RULES:?} do not define."), &found);
}

#[test]
fn cited_rules_are_seen_at_work_or_tested_elsewhere() {
    use tetrarch_simulator::coverage::{ELSEWHERE, SHOWN};
    let workspace = Workspace::here();
    let comments: String = workspace.everything().into_iter().map(|source| source.code.comments + "\n").collect();
    let known: BTreeSet<&str> = SHOWN.into_iter().chain(ELSEWHERE.map(|(rule, _)| rule)).collect();
    let unknown: BTreeSet<&str> = ids(&comments).filter(|id| !known.contains(id)).collect();
    let unknown: Vec<String> = unknown.into_iter().map(str::to_owned).collect();
    refuse("The simulator's coverage says neither that it shows these rules nor what else does.", &unknown);
}

#[test]
fn a_rule_is_written_once() {
    let rules = written(&Workspace::here());
    let mut seen = BTreeSet::new();
    let twice: Vec<String> = defined(&rules).into_iter().filter(|id| !seen.insert(*id)).map(str::to_owned).collect();
    refuse(&format!("{RULES:?} define these more than once."), &twice);
}

#[test]
fn ids_are_told_from_other_words() {
    let text = "N-3 and (V-12), not SHA-256, UTF-8, N-3rd, n-3, N- 3, ℤ-4 or X--1.";
    assert_eq!(ids(text).collect::<Vec<_>>(), ["N-3", "V-12"]);
    assert_eq!(defined("- **Q-1** A quorum, see **bold** Q-2.\n- **Q-2** Only"), ["Q-1", "Q-2"]);
}
