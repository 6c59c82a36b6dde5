//! How long files and functions may be. The bounds only ever come down.

use super::code::{closing, find_words, line_of};
use super::workspace::{Source, Workspace, refuse};

const LONGEST_FILE: usize = 500;
const LONGEST_FILE_WITH_TESTS: usize = 200;
const MEDIAN_FUNCTION: usize = 10;
const NINE_IN_TEN_FUNCTIONS: usize = 35;
const LONGEST_FUNCTION: usize = 70;

/// Files that may be longer, and why.
const LONGER_FILES: &[(&str, &str)] = &[];

fn sources() -> Vec<Source> {
    let workspace = Workspace::here();
    workspace.crates.iter().flat_map(|it| workspace.sources(it)).collect()
}

#[test]
fn files_stay_short() {
    let excepted = |path: &str| LONGER_FILES.iter().any(|(longer, _)| *longer == path);
    let sources = sources();
    let long = sources.iter().filter(|source| source.lines > LONGEST_FILE && !excepted(&source.path));
    let found: Vec<String> = long.map(|source| format!("{}: {} lines", source.path, source.lines)).collect();
    refuse(&format!("Files of more than {LONGEST_FILE} lines hold more than one thing: take them apart."), &found);
    for (path, _) in LONGER_FILES {
        let lines = sources.iter().find(|source| source.path == *path).map_or(0, |source| source.lines);
        assert!(lines > LONGEST_FILE, "{path} needs no exception any more");
    }
}

#[test]
fn tests_leave_long_files() {
    let long = sources().into_iter().filter(|source| source.lines > LONGEST_FILE_WITH_TESTS);
    let found: Vec<String> = long.filter_map(|source| inline_tests(&source)).collect();
    refuse(
        &format!("Tests leave a file of more than {LONGEST_FILE_WITH_TESTS} lines: move them to the crate's tests/."),
        &found,
    );
}

fn inline_tests(source: &Source) -> Option<String> {
    let code = &source.code.code;
    let module = |at: usize| {
        let item = code[at..].split_once(']').map(|(_, item)| item.trim_start())?;
        let head = &item[..item.find(['{', ';'])?];
        let inline = head.split_whitespace().any(|word| word == "mod") && item[head.len()..].starts_with('{');
        inline.then(|| line_of(code, at))
    };
    let line = code.match_indices("#[cfg(test)]").find_map(|(at, _)| module(at))?;
    Some(format!("{}:{line}: tests in a file of {} lines", source.path, source.lines))
}

struct Function {
    place: String,
    lines: usize,
    /// Nothing but one `match` without branches inside its arms.
    flat: bool,
}

/// Every function with a body, from the line of its `fn` to that of its last brace.
fn functions(source: &Source) -> Vec<Function> {
    let code = &source.code.code;
    let function = |at: usize| {
        let name: String = code[at + 2..].trim_start().chars().take_while(|it| super::code::is_word(*it)).collect();
        let open = body(code, at).filter(|_| !name.is_empty())?;
        let close = closing(code, open)?;
        let lines = line_of(code, close) - line_of(code, at) + 1;
        let place = format!("{}:{}: fn {name}", source.path, line_of(code, at));
        Some(Function { place, lines, flat: is_flat_match(&code[open + 1..close]) })
    };
    find_words(code, "fn").filter_map(function).collect()
}

/// Where the body opens: the first brace that is not inside the signature's brackets. `None` for a declaration.
fn body(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, character) in code[from..].char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(from + at),
            ';' if depth == 0 => return None,
            _ if depth < 0 => return None,
            _ => {}
        }
    }
    None
}

fn is_flat_match(body: &str) -> bool {
    let Some(arms) = body.trim().strip_prefix("match ") else { return false };
    let Some(open) = arms.find('{') else { return false };
    let ends_with_it = closing(arms, open) == Some(arms.len() - 1);
    let branches = ["if", "match", "for", "while", "loop"];
    ends_with_it && branches.iter().all(|branch| find_words(&arms[open..], branch).next().is_none())
}

#[test]
fn functions_stay_short() {
    let mut all: Vec<Function> = sources().iter().flat_map(functions).collect();
    assert!(all.len() > 100, "the scan finds the workspace's functions");
    all.sort_by_key(|function| function.lines);
    let (median, ninetieth) = (all[all.len() / 2].lines, all[all.len() * 9 / 10].lines);
    let long = all.iter().rev().take_while(|function| function.lines > NINE_IN_TEN_FUNCTIONS);
    let found: Vec<String> = long.map(|function| format!("{} ({} lines)", function.place, function.lines)).collect();
    let listing = format!("{} functions; the longest:\n  {}\n", all.len(), found.join("\n  "));
    assert!(
        median <= MEDIAN_FUNCTION,
        "half the functions have more than {MEDIAN_FUNCTION} lines: {median}. {listing}"
    );
    assert!(
        ninetieth <= NINE_IN_TEN_FUNCTIONS,
        "one function in ten has more than {NINE_IN_TEN_FUNCTIONS} lines: {ninetieth}. {listing}"
    );
    let too_long = all.iter().filter(|function| function.lines > LONGEST_FUNCTION && !function.flat);
    let found: Vec<String> = too_long.map(|function| format!("{}: {} lines", function.place, function.lines)).collect();
    refuse(&format!("Functions above {LONGEST_FUNCTION} lines, and no flat match either."), &found);
}

#[test]
fn the_scan_counts_as_people_do() {
    let text = "fn one() {}\ntrait T {\n    fn declared(&self) -> [u8; 4];\n    fn two(&self)\n    where\n        Self: Sized,\n    \
                {\n        let c = |f: fn(u8)| { f(1) };\n    }\n}\nfn three(it: u8) -> u8 {\n    match it {\n        0 => 1,\n        \
                _ => 2,\n    }\n}\nfn four() {\n    match 1 {\n        _ => if true {},\n    }\n}\n";
    let source = Source { path: "x.rs".into(), lines: 0, code: super::code::split(text) };
    let seen: Vec<(String, usize, bool)> = functions(&source)
        .into_iter()
        .map(|it| (it.place.split_whitespace().last().unwrap().into(), it.lines, it.flat))
        .collect();
    let expected = [("one", 1, false), ("two", 6, false), ("three", 6, true), ("four", 5, false)];
    assert_eq!(seen, expected.map(|(name, lines, flat)| (name.to_owned(), lines, flat)));
}
