//! Plays every file of `tests/scenarios`: commands at the margin, what they led to indented below them. The output is compared whole;
//! `TETRARCH_UPDATE_GOLDEN=1` writes it anew. The verbs are explained in `script/verbs.rs`.
#![allow(clippy::disallowed_methods, reason = "scenarios are files, and rewritten on demand")]

use crate::script;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn scenarios_play_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there are scenarios");
    let failures: Vec<String> = files.iter().filter_map(|file| play(file)).collect();
    assert!(failures.is_empty(), "\n{}\nTETRARCH_UPDATE_GOLDEN=1 accepts what is new", failures.join("\n"));
}

/// Plays one file; what differs, if anything does.
fn play(file: &Path) -> Option<String> {
    let written = fs::read_to_string(file).unwrap();
    let played = match std::panic::catch_unwind(|| script::play(&written)) {
        Ok(played) => played,
        Err(_) => return Some(format!("{} panics (see above)", file.display())),
    };
    if std::env::var_os("TETRARCH_UPDATE_GOLDEN").is_some() {
        fs::write(file, played).unwrap();
        return None;
    }
    (played != written).then(|| difference(file, &written, &played))
}

fn difference(file: &Path, written: &str, played: &str) -> String {
    let pairs = written.lines().map(Some).chain(std::iter::repeat(None));
    let first = played.lines().map(Some).chain(std::iter::repeat(None)).zip(pairs).position(|(now, then)| now != then);
    let at = first.unwrap_or(0);
    let line = |text: &str| text.lines().nth(at).unwrap_or("(end)").to_owned();
    format!("{}:{}\n  written: {}\n  played:  {}", file.display(), at + 1, line(written), line(played))
}
