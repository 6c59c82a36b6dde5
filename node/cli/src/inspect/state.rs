//! `inspect state`: how far execution is, and what its tables hold.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use tetrarch_crypto::Digest;
use tetrarch_kv::{KvMachine, tree};
use tetrarch_storage::{Direction, Reader, StoreError, Table};

use super::{Frozen, State, Stopped, sentence};
use crate::failure::{Class, Failure};
use crate::output::{Output, table};

/// Decided batches by number.
const LEDGER: Table = Table::new("execution.ledger");

/// Damages that are named one by one; of more, the number is said.
const NAMED: usize = 8;

/// A table, and how large it is where it can be read.
#[derive(Serialize)]
struct Size {
    table: &'static str,
    rows: Option<u64>,
    bytes: Option<u64>,
    problem: Option<String>,
}

/// What holding every row against the tree came to.
#[derive(Serialize)]
struct Checked {
    rows: u64,
    damages: u64,
    first: Vec<String>,
}

/// What was found.
struct Found {
    state: State,
    root: Digest,
    /// Rows changed since the tree was folded; none if that cannot be read.
    changed: Option<u64>,
    ledger: Option<(u64, u64)>,
    tables: Vec<Size>,
    checked: Option<Checked>,
}

/// Prints the state, and checks it if that is asked for.
pub(super) fn inspect(node: &Stopped, check: bool, output: &Output) -> Result<(), Failure> {
    let tried = format!("cannot read the state in {}", node.data().display());
    let membership = node.membership(&tried)?;
    let frozen = Frozen::new(node.open(&tried)?, node.snapshots());
    let state =
        frozen.state(&membership).map_err(|error| Failure::sentence(Class::Failed, &tried, &error.to_string()))?;
    let found = look(&frozen, state, check).map_err(|error| sentence(&tried, &error))?;
    output.data(&object(&found), || text(&found))?;
    verdict(&found)
}

fn look(frozen: &Arc<Frozen>, state: State, check: bool) -> Result<Found, StoreError> {
    let checked = if check { Some(checked(&state)?) } else { None };
    let tables = State::tables(&KvMachine).into_iter().map(|table| size(frozen, table)).collect();
    let changed = tree::changed_rows(frozen).ok();
    Ok(Found { root: tree::root(frozen)?, changed, ledger: ledger(frozen)?, state, tables, checked })
}

fn checked(state: &State) -> Result<Checked, StoreError> {
    let (mut damages, mut first) = (0, Vec::new());
    let rows = state.check_state(&mut |damage| {
        damages += 1;
        if first.len() < NAMED {
            first.push(damage.to_string());
        }
    })?;
    Ok(Checked { rows, damages, first })
}

fn size(frozen: &Frozen, of: Table) -> Size {
    let (size, problem) = match frozen.size(of) {
        Ok(size) => (Some(size), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Size { table: of.name(), rows: size.map(|(rows, _)| rows), bytes: size.map(|(_, bytes)| bytes), problem }
}

/// The first and the last decided batch that is kept.
fn ledger(frozen: &Frozen) -> Result<Option<(u64, u64)>, StoreError> {
    let end = |direction| -> Result<Option<u64>, StoreError> {
        let rows = frozen.scan(LEDGER, &[], &[], direction, 1)?;
        Ok(rows.first().and_then(|(key, _)| Some(u64::from_be_bytes(key.as_slice().try_into().ok()?))))
    };
    Ok(end(Direction::Ascending)?.zip(end(Direction::Descending)?))
}

impl Found {
    /// What the state is, if it is that of no batch.
    fn interruption(&self) -> Option<String> {
        match (self.state.install_target(), self.state.is_damaged()) {
            (Some(target), _) => Some(format!("the state at checkpoint {} is being installed", target.seq)),
            (None, true) => Some("it is damaged, or is being repaired, and waits for the others' state".into()),
            (None, false) => None,
        }
    }
}

fn verdict(found: &Found) -> Result<(), Failure> {
    let unreadable = found.tables.iter().find_map(|size| size.problem.clone());
    let damages = found.checked.as_ref().filter(|checked| checked.damages > 0);
    let damaged = damages.map(|it| format!("{} places are damaged: {}", it.damages, it.first.join("; ")));
    match damaged.or(unreadable) {
        None => Ok(()),
        Some(happened) => {
            let next = "start the node: in a cluster it repairs its state from the others";
            Err(Failure::new(Class::Unverified, "the state does not hold", happened.trim_end_matches('.'), next))
        }
    }
}

fn object(found: &Found) -> Value {
    let (sequence, root) = found.state.last_checkpoint();
    json!({
        "executed": found.state.executed().get(),
        "agreed_time_micros": found.state.agreed_time().as_micros(),
        "revision": found.state.revision().ok(),
        "last_checkpoint": { "sequence": sequence.get(), "state_root": root.to_string() },
        "tree_root": found.root.to_string(),
        "changed_rows": found.changed,
        "interrupted": found.interruption(),
        "ledger": found.ledger.map(|(first, last)| json!({ "first": first, "last": last })),
        "tables": found.tables,
        "check": found.checked,
    })
}

fn text(found: &Found) -> String {
    let (sequence, root) = found.state.last_checkpoint();
    let mut lines = vec![
        format!("executed    {}", found.state.executed()),
        format!("revision    {}", found.state.revision().map_or_else(|_| "-".into(), |revision| revision.to_string())),
        format!("agreed time {} µs", found.state.agreed_time().as_micros()),
        format!("checkpoint  {sequence}, state root {root}"),
        format!("tree        root {}, {} rows changed since", found.root, found.changed.unwrap_or(0)),
    ];
    lines.extend(found.ledger.map(|(first, last)| format!("ledger      batches {first} to {last}")));
    lines.extend(found.interruption().map(|interruption| format!("condition   {interruption}")));
    lines.extend(found.checked.as_ref().map(|it| {
        let damages = if it.damages == 0 { "all as the tree says".into() } else { format!("{} damages", it.damages) };
        format!("check       {} rows, {damages}", it.rows)
    }));
    format!("{}\n\n{}", lines.join("\n"), tables(&found.tables))
}

fn tables(sizes: &[Size]) -> String {
    let or_dash = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let row = |size: &Size| {
        let problem = size.problem.clone().unwrap_or_default();
        vec![size.table.to_owned(), or_dash(size.rows), or_dash(size.bytes), problem]
    };
    let rows: Vec<Vec<String>> = sizes.iter().map(row).collect();
    table(&["TABLE", "ROWS", "BYTES", ""], &rows)
}
