//! Putting a fetched part in the place of what is here.

use std::collections::BTreeMap;

use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, Prefix, value_digest};
use tetrarch_storage::{Direction, Reader, StoreError, Table};
use tetrarch_types::StateRow;

use super::fold::{build, settle};
use super::pages::{Owner, PAGES, PATHS, damaged, named, own, owner_of, page, page_due, path_of};
use super::pass::fold;
use crate::tables::Overlay;
use crate::tables::behind;

/// Rows and pages of the tree read at a time.
const PIECE: usize = 256;

/// A row that was replaced, for whoever keeps indexes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Its table.
    pub table: Table,
    /// Its key.
    pub key: Vec<u8>,
    /// The value before; none if there was no row, or none that could be read.
    pub old: Option<Vec<u8>>,
    /// The value now; none if the row is gone.
    pub new: Option<Vec<u8>>,
}

/// Makes the rows below a place exactly these, in the tables and in the tree up to the root; what that changed.
///
/// The rows must have been judged by [`is_due`](super::is_due). What changed earlier is folded first. Pages below the place are made
/// anew, whatever is in them; an old row that cannot be read is overwritten. The overlay takes as much memory as these
/// rows, and what is below the place here.
///
/// # Errors
/// If the tree cannot be read, or a row does not belong below the place or into a rooted table. The overlay's changes must
/// then be thrown away.
pub fn replace(
    state: &mut Overlay<'_>,
    rooted: &[Table],
    place: &Prefix,
    rows: &[StateRow],
) -> Result<Vec<RowChange>, StoreError> {
    fold(state)?;
    replace_folded(state, rooted, place, rows)
}

/// [`replace`] on a tree that is known to be folded.
///
/// # Errors
/// As for [`replace`].
pub(crate) fn replace_folded(
    state: &mut Overlay<'_>,
    rooted: &[Table],
    place: &Prefix,
    rows: &[StateRow],
) -> Result<Vec<RowChange>, StoreError> {
    let new = rows.iter().map(|row| placed(rooted, place, row)).collect::<Result<BTreeMap<_, _>, _>>()?;
    let old = owners_below(state, place)?;
    let gone = old.iter().filter(|(path, _)| !new.contains_key(path));
    let mut changes = Vec::new();
    for (path, (name, key)) in gone {
        state.delete(PATHS, *path.as_bytes());
        // A table that is not known here has no rows here.
        let table = named(rooted, name);
        changes.extend(table.map(|table| set(state, table, key, None)).transpose()?.flatten());
    }
    for (path, (table, row)) in &new {
        changes.extend(set(state, *table, &row.key, Some(&row.value))?);
        own(state, path, table.name(), &row.key);
    }
    let leaves: Vec<Leaf> = new.iter().map(|(path, (_, row))| (*path, value_digest(&row.value))).collect();
    forget_pages(state, place)?;
    let branch = build(state, place, &leaves);
    hang(state, &Prefix::ROOT, Branch::Empty, place, branch)?;
    Ok(changes)
}

/// A row with its path and its table.
fn placed<'r>(
    rooted: &[Table],
    place: &Prefix,
    row: &'r StateRow,
) -> Result<(Path, (Table, &'r StateRow)), StoreError> {
    let path = row.path();
    let stray = |reason| damaged(format!("A fetched row of the table {:?}, due at {place}", row.table), reason);
    let table = named(rooted, &row.table)
        .ok_or_else(|| stray("the state has a table that this version does not know; use the version of its peers"))?;
    if place.contains(&path) { Ok((path, (table, row))) } else { Err(stray("it belongs elsewhere")) }
}

/// Every row below a place, by path.
fn owners_below(state: &Overlay<'_>, place: &Prefix) -> Result<BTreeMap<Path, Owner>, StoreError> {
    let (mut from, to) = (place.first().as_bytes().to_vec(), behind(place.last().as_bytes()));
    let mut found = BTreeMap::new();
    loop {
        let piece = state.scan(PATHS, &from, &to, Direction::Ascending, PIECE)?;
        let Some((last, _)) = piece.last() else { return Ok(found) };
        from = behind(last);
        for (path, owner) in &piece {
            found.insert(path_of(PATHS, path)?, owner_of(owner)?);
        }
    }
}

/// Sets a row to a value, or removes it; what that changed, if anything.
fn set(state: &mut Overlay<'_>, table: Table, key: &[u8], new: Option<&[u8]>) -> Result<Option<RowChange>, StoreError> {
    let before = old(state, table, key);
    if before.as_ref().is_ok_and(|before| before.as_deref() == new) {
        return Ok(None);
    }
    let old = match before {
        Ok(old) => old,
        Err(StoreError::Corrupt { .. }) => None,
        Err(error) => return Err(error),
    };
    match new {
        Some(new) => state.put(table, key, new),
        None => state.delete(table, key),
    }
    Ok(Some(RowChange { table, key: key.to_vec(), old, new: new.map(<[u8]>::to_vec) }))
}

/// The value before, in a way that leaves the overlay sound if it cannot be read.
fn old(state: &Overlay<'_>, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let (below, changes) = state.layers(table);
    changes.and_then(|changes| changes.get(key)).map_or_else(|| below.get(table, key), |changed| Ok(changed.clone()))
}

/// Removes every page from this place down, without looking into it.
fn forget_pages(state: &mut Overlay<'_>, place: &Prefix) -> Result<(), StoreError> {
    // No nibble is as large as 16.
    let (mut from, to) = (place.nibbles().to_vec(), [place.nibbles(), &[16]].concat());
    loop {
        let piece = state.scan(PAGES, &from, &to, Direction::Ascending, PIECE)?;
        let Some((last, _)) = piece.last() else { return Ok(()) };
        from = behind(last);
        for (nibbles, _) in piece {
            state.delete(PAGES, nibbles);
        }
    }
}

/// Hangs a branch at a place below `at`, where `was` hangs; what hangs at `at` behind that.
fn hang(
    state: &mut Overlay<'_>,
    at: &Prefix,
    was: Branch,
    place: &Prefix,
    branch: Branch,
) -> Result<Branch, StoreError> {
    let Some(nibble) = place.nibbles().get(at.len()).copied() else { return Ok(branch) };
    let mut page = match was {
        _ if at.is_empty() => page(state, at)?.unwrap_or_default(),
        Branch::Node(_) => page_due(state, at)?,
        Branch::Leaf { path, .. } => alone(path.nibble(at.len()), was),
        Branch::Empty => Page::default(),
    };
    let below = hang(state, &at.child(nibble), page.branch(nibble), place, branch)?;
    page.set(nibble, below);
    Ok(settle(state, at, &page))
}

/// A page with one branch.
fn alone(nibble: u8, branch: Branch) -> Page {
    let mut page = Page::default();
    page.set(nibble, branch);
    page
}
