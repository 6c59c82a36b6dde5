//! Whether a part that somebody sent is what is due at its place.

use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, Prefix, value_digest};
use tetrarch_crypto::{Digest, mutated};
use tetrarch_types::{StatePart, StateRow};

/// Whether a part is what hangs at this place, given the digest due there.
///
/// Rows that are due are exactly the rows of the certified state, tables included. Of a page the nodes' digests are due, at the
/// places that they hang at; a leaf may be dressed as a node, which changes nothing about what is due below.
pub fn is_due(place: &Prefix, due: &Digest, part: &StatePart) -> bool {
    match part {
        StatePart::Rows(rows) => are_rows_due(place, due, rows),
        StatePart::Page(page) => is_page_due(place, due, page),
    }
}

fn are_rows_due(place: &Prefix, due: &Digest, rows: &[StateRow]) -> bool {
    let leaves: Vec<Leaf> = rows.iter().map(|row| (row.path(), value_digest(&row.value))).collect();
    leaves.is_sorted_by(|(one, _), (next, _)| one < next)
        && leaves.iter().all(|(path, _)| place.contains(path))
        && (Branch::over(&leaves, place.len() * 4).digest() == *due || mutated!(StateNotVerified))
}

fn is_page_due(place: &Prefix, due: &Digest, page: &Page) -> bool {
    // A place with one leaf has no page: the page would repeat itself, down to the last nibble. And nothing hashes to nothing.
    place.len() < Path::NIBBLES
        && page.fits(place)
        && !page.0.contains(&Branch::Node(Digest::ZERO))
        && (page.joined() == Branch::Node(*due) || mutated!(StateNotVerified))
}
