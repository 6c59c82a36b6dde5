//! Whether what a stopped node has on its disk is whole, as `inspect` would find it, in short.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use tetrarch_kv::tree;
use tetrarch_server::NodeConfig;
use tetrarch_storage::{Reader, Store, check_journal};
use tetrarch_types::Membership;

use super::Check;
use crate::inspect::{Frozen, State, Stopped, journal_problem, snapshot_root};
use crate::output::mebibytes;

/// A state with more rows is not read as a whole: that would take longer than anyone waits for a doctor.
const MAX_ROWS: u64 = 500_000;

/// What a node in a cluster does about damage by itself.
const REPAIR: &str = "start the node: in a cluster it repairs this from the others";

/// The checks for the data of a node that does not run.
pub(super) fn checks(name: &str, config: &NodeConfig) -> Vec<Check> {
    let node = Stopped::of(config);
    let mut checks = deep(name, &node);
    checks.push(space(name, &node));
    checks.extend(damaged_copy(name, &node));
    checks
}

fn deep(name: &str, node: &Stopped) -> Vec<Check> {
    let opened = node.open("").and_then(|reader| Ok((node.membership("")?, reader)));
    let (membership, reader) = match opened {
        Ok(opened) => opened,
        Err(failure) => return vec![Check::fail(format!("{name} database"), failure.happened, failure.next)],
    };
    let journal = journal(name, node, &reader);
    let frozen = Frozen::new(reader, node.snapshots());
    vec![journal, state(name, &frozen, &membership), snapshots(name, &frozen, &membership)]
}

fn journal(name: &str, node: &Stopped, reader: &dyn Reader) -> Check {
    let name = format!("{name} journal");
    let mark = node.mark();
    let report = check_journal(reader, mark.as_ref().ok().and_then(Option::as_ref), &mut |_| {});
    match journal_problem(&report, &mark) {
        Some(problem) => Check::fail(name, problem, format!("{REPAIR}, and votes again when that is safe")),
        None => Check::ok(name, format!("{} records, all of them as the mark says", report.entries)),
    }
}

fn state(name: &str, frozen: &Arc<Frozen>, membership: &Membership) -> Check {
    let name = format!("{name} state");
    let state = match frozen.state(membership) {
        Ok(state) => state,
        Err(error) => return Check::fail_sentence(name, &error.to_string()),
    };
    if state.is_damaged() {
        return Check::warn(name, "it was being replaced by the others' when the node stopped", REPAIR);
    }
    match frozen.size(tree::PATHS) {
        Ok((rows, _)) if rows > MAX_ROWS => {
            let found = format!("{rows} rows up to batch {}, too many to read them all here", state.executed());
            Check::warn(name, found, "check it with `tetrarch inspect state DIR --check`")
        }
        Ok(_) => rows(name, &state),
        Err(error) => Check::fail(name, error.to_string(), REPAIR),
    }
}

/// Every row against the tree.
fn rows(name: String, state: &State) -> Check {
    let (mut damages, mut first) = (0_u64, None);
    let rows = state.check_state(&mut |damage| {
        damages += 1;
        first.get_or_insert_with(|| damage.to_string());
    });
    match (rows, first) {
        (Err(error), _) => Check::fail(name, error.to_string(), REPAIR),
        (Ok(_), Some(first)) => Check::fail(name, format!("{damages} places are damaged, the first: {first}"), REPAIR),
        (Ok(rows), None) => Check::ok(name, format!("{rows} rows up to batch {}, as its tree says", state.executed())),
    }
}

fn snapshots(name: &str, frozen: &Frozen, membership: &Membership) -> Check {
    let name = format!("{name} snapshots");
    let numbers = match frozen.snapshots() {
        Ok(numbers) => numbers,
        Err(error) => return Check::fail(name, error.to_string(), "check the directory's permissions"),
    };
    let problem = |number: &u64| match snapshot_root(frozen, membership, *number) {
        Ok((root, stated)) if root == stated => None,
        Ok(_) => Some(format!("{number}: its tree has another root than was written down")),
        Err(problem) => Some(format!("{number}: {problem}")),
    };
    let problems: Vec<String> = numbers.iter().filter_map(problem).collect();
    if problems.is_empty() {
        let list: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let list = if list.is_empty() { "none yet".into() } else { list.join(", ") };
        return Check::ok(name, format!("of checkpoints: {list}"));
    }
    let next = "nothing has to be done: a node does without them, and newer checkpoints take their place";
    Check::warn(name, problems.join("; "), next)
}

fn space(name: &str, node: &Stopped) -> Check {
    let mut counted = BTreeSet::new();
    let database = used(&node.database(), &mut counted);
    let snapshots = used(&node.snapshots(), &mut counted);
    let found =
        format!("database {}, snapshots {} beyond what they share with it", mebibytes(database), mebibytes(snapshots));
    Check::ok(format!("{name} space"), found)
}

/// A database that a start could not read and put out of its way.
fn damaged_copy(name: &str, node: &Stopped) -> Option<Check> {
    let path = node.data().join("db.damaged");
    let size = path.exists().then(|| used(&path, &mut BTreeSet::new()))?;
    let found = format!("{} has {}: a start could not read it and set it aside", path.display(), mebibytes(size));
    Some(Check::warn(
        format!("{name} damage"),
        found,
        "look at the disk; the copy may be removed once the replica votes again",
    ))
}

/// The bytes of all files below a directory, each counted once however many names it has.
fn used(path: &Path, counted: &mut BTreeSet<u64>) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let mut bytes = 0;
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(found) if found.is_dir() => bytes += used(&entry.path(), counted),
            Ok(found) if counted.insert(found.ino()) => bytes += found.len(),
            _ => {}
        }
    }
    bytes
}
