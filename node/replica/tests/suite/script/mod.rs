//! The scenario language: a file is read line by line, and what each command led to is written below it.

mod forge;
mod show;
mod verbs;
mod words;

use std::collections::BTreeMap;

use tetrarch_types::Transaction;

use crate::support::cluster::Cluster;
use crate::support::names::Names;
use show::Show;

/// What stands in front of every line of output.
const INDENT: &str = "    ";

/// The state of a play.
struct Stage {
    cluster: Cluster,
    names: Names,
    /// Transactions by name.
    transactions: BTreeMap<String, Transaction>,
    show: Show,
}

/// Plays a scenario: the file as it should read.
pub(crate) fn play(written: &str) -> String {
    let mut stage = None;
    let mut played = String::new();
    for line in written.lines().filter(|line| !line.starts_with(INDENT)) {
        played.push_str(line);
        played.push('\n');
        if !line.is_empty() && !line.starts_with('#') {
            for output in verbs::command(&mut stage, line) {
                played.push_str(INDENT);
                played.push_str(&output);
                played.push('\n');
            }
        }
    }
    played
}
