//! Reading a whole table, past what cannot be read.

use tetrarch_storage::{Direction, Pair, Reader, StoreError, Table};

use crate::tables::behind;

/// Rows read at a time. Few, because a row can have a megabyte and more.
const PIECE: usize = 16;

/// How often a stretch that cannot be read is halved before it is given up.
const HALVINGS: u32 = 64;

/// A stretch of a table.
pub(super) enum Piece {
    /// Rows, at most sixteen, ascending.
    Rows(Vec<Pair>),
    /// Nothing in `[from, to)` can be read: it holds at least one row, and the store's words for it. An empty `to` is the table's end.
    Gap { from: Vec<u8>, to: Vec<u8>, reason: String },
}

/// Takes a table piece by piece, from its first key to its last.
///
/// # Errors
/// What `each` says, and what reading says unless it is that rows are damaged.
pub(super) fn scan(
    reader: &dyn Reader,
    table: Table,
    each: &mut dyn FnMut(Piece) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    Scan { reader, table, each }.stretch(Vec::new(), &[], HALVINGS)
}

struct Scan<'s> {
    reader: &'s dyn Reader,
    table: Table,
    each: &'s mut dyn FnMut(Piece) -> Result<(), StoreError>,
}

impl Scan<'_> {
    /// What can be read of `[from, to)`: up to the first damage, and then of both halves of what is left.
    fn stretch(&mut self, mut from: Vec<u8>, to: &[u8], halvings: u32) -> Result<(), StoreError> {
        let reason = match self.ascend(&mut from, to, PIECE)? {
            // The piece may begin with rows that are sound.
            Some(_) => self.ascend(&mut from, to, 1)?,
            None => None,
        };
        let Some(reason) = reason else { return Ok(()) };
        match middle(&from, to).filter(|_| halvings > 0) {
            Some(middle) => {
                self.stretch(from, &middle, halvings - 1)?;
                self.stretch(middle, to, halvings - 1)
            }
            None => (self.each)(Piece::Gap { from, to: to.to_vec(), reason }),
        }
    }

    /// Moves `from` up to the end, or to where reading fails; then why.
    fn ascend(&mut self, from: &mut Vec<u8>, to: &[u8], limit: usize) -> Result<Option<String>, StoreError> {
        loop {
            let rows = match self.reader.scan(self.table, from, to, Direction::Ascending, limit) {
                Ok(rows) => rows,
                Err(error @ StoreError::Corrupt { .. }) => return Ok(Some(error.to_string())),
                Err(error) => return Err(error),
            };
            let Some((last, _)) = rows.last() else { return Ok(None) };
            *from = behind(last);
            (self.each)(Piece::Rows(rows))?;
        }
    }
}

/// A key about half way between two, by the eight bytes behind what they have in common; none if there is none.
fn middle(from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let common = from.iter().zip(to).take_while(|(low, high)| low == high).count();
    let eight = |key: &[u8], fill: u8| {
        (0..8).fold(0_u128, |number, at| number << 8 | u128::from(key.get(common + at).copied().unwrap_or(fill)))
    };
    let high = if to.is_empty() { eight(&[], u8::MAX) } else { eight(to, 0) };
    let half = u64::try_from(eight(from, 0).midpoint(high)).ok()?;
    let middle = [from.get(..common)?, &half.to_be_bytes()].concat();
    (from < middle.as_slice() && (to.is_empty() || middle.as_slice() < to)).then_some(middle)
}
