//! Parts of the state, for peers that fetch it.

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_storage::{Direction, Pair, Reader, StoreError, Table};
use tetrarch_types::{StatePart, StateRow, limits};

use super::pages::{PATHS, damaged, named, owner_of, page_due};
use crate::tables::behind;

/// Paths read at a time.
const PIECE: usize = 64;

/// What is at a place: the rows below it if they cost no more than `rows_up_to` together or there is only one, else the page.
///
/// Of a state that is folded: a snapshot at a checkpoint. Reads little more than `rows_up_to` bytes of rows.
///
/// # Errors
/// If the tree or a row cannot be read, or they contradict each other.
pub fn part(reader: &dyn Reader, rooted: &[Table], place: &Prefix, rows_up_to: usize) -> Result<StatePart, StoreError> {
    match rows_below(reader, rooted, place, rows_up_to)? {
        Some(rows) => Ok(StatePart::Rows(rows)),
        None => Ok(StatePart::Page(Box::new(page_due(reader, place)?))),
    }
}

/// What is at each of these places, in their order: as many as fit a supply of state, and at least one if any is asked for.
///
/// # Errors
/// As [`part`].
pub fn parts(
    reader: &dyn Reader,
    rooted: &[Table],
    asked: &[Prefix],
    rows_up_to: usize,
) -> Result<Vec<(Prefix, StatePart)>, StoreError> {
    let rows_up_to = rows_up_to.min(limits::MAX_STATE_BYTES);
    let mut found = Vec::new();
    let mut total = 0;
    for place in asked.iter().take(limits::MAX_STATE_PARTS) {
        let part = part(reader, rooted, place, rows_up_to)?;
        total += part.cost();
        if total > limits::MAX_STATE_BYTES && !found.is_empty() {
            break;
        }
        found.push((place.clone(), part));
    }
    Ok(found)
}

/// The rows below a place, ascending by path; none if they cost more than this.
fn rows_below(
    reader: &dyn Reader,
    rooted: &[Table],
    place: &Prefix,
    rows_up_to: usize,
) -> Result<Option<Vec<StateRow>>, StoreError> {
    let (mut from, to) = (place.first().as_bytes().to_vec(), behind(place.last().as_bytes()));
    let (mut rows, mut total) = (Vec::new(), 0);
    loop {
        let piece = reader.scan(PATHS, &from, &to, Direction::Ascending, PIECE)?;
        for owner in &piece {
            // Judged before the row is read as well: it may be large.
            if total > rows_up_to {
                return Ok(None);
            }
            let row = read(reader, rooted, owner)?;
            total += row.cost();
            rows.push(row);
            if total > rows_up_to && rows.len() > 1 {
                return Ok(None);
            }
        }
        match piece.last() {
            Some((last, _)) if piece.len() == PIECE => from = behind(last),
            _ => return Ok(Some(rows)),
        }
    }
}

/// The row that a row of [`PATHS`] names.
fn read(reader: &dyn Reader, rooted: &[Table], (_, owner): &Pair) -> Result<StateRow, StoreError> {
    let (name, key) = owner_of(owner)?;
    let lost = |reason| damaged(format!("The row of the table {name:?} that a leaf stands for"), reason);
    let table = named(rooted, &name).ok_or_else(|| lost("the table is not under the state's root"))?;
    let value = reader.get(table, &key)?.ok_or_else(|| lost("it is missing"))?;
    Ok(StateRow { table: name, key, value })
}
