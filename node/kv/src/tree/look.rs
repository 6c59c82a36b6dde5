//! Looking into a folded tree: its root, what hangs where, and proofs.

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Path, Prefix, TreeProof};
use tetrarch_storage::{Reader, StoreError, Table};

use super::pages::{damaged, page, page_due, place_on};

/// The root over all rows as they were when the tree was last folded; zero for no rows.
///
/// # Errors
/// If the root's page cannot be read.
pub fn root(reader: &dyn Reader) -> Result<Digest, StoreError> {
    Ok(branch_at(reader, &Prefix::ROOT)?.digest())
}

/// What hangs at a place.
///
/// # Errors
/// If a page on the way cannot be read, or is missing.
pub fn branch_at(reader: &dyn Reader, place: &Prefix) -> Result<Branch, StoreError> {
    if place.is_empty() {
        return Ok(page(reader, place)?.unwrap_or_default().joined());
    }
    // From below: most places that are asked for have a page, or have one above them.
    for (depth, nibble) in place.nibbles().iter().enumerate().rev() {
        let above = Prefix::new(place.nibbles().iter().take(depth).copied().collect()).unwrap_or_default();
        if let Some(page) = page(reader, &above)? {
            return below(page.branch(*nibble), place, depth + 1);
        }
    }
    Ok(Branch::Empty)
}

/// What hangs at a place, given what hangs `depth` nibbles down the way to it, below the last page on that way.
fn below(branch: Branch, place: &Prefix, depth: usize) -> Result<Branch, StoreError> {
    match branch {
        Branch::Node(_) if depth < place.len() => {
            Err(damaged(format!("The state tree above {place}"), &format!("the page {depth} nibbles down is missing")))
        }
        Branch::Leaf { path, .. } if !place.contains(&path) => Ok(Branch::Empty),
        found => Ok(found),
    }
}

/// What shows, under [`root`], that a row is in the state or is not.
///
/// # Errors
/// If a page on the row's path cannot be read, or is missing.
pub fn prove(reader: &dyn Reader, table: Table, key: &[u8]) -> Result<TreeProof, StoreError> {
    let path = Path::of(table.name(), key);
    TreeProof::build(&path, |depth| match depth {
        0 => Ok(page(reader, &Prefix::ROOT)?.unwrap_or_default()),
        _ => page_due(reader, &place_on(&path, depth)),
    })
}

/// What the pages say, from the root's down, hangs `depth` nibbles down a path, or ends the way before: so that no stray page
/// misleads.
pub(super) fn descend(reader: &dyn Reader, path: &Path, depth: usize) -> Result<Branch, StoreError> {
    let mut branch = page(reader, &Prefix::ROOT)?.unwrap_or_default().branch(path.nibble(0));
    for at in 1..depth {
        if !matches!(branch, Branch::Node(_)) {
            break;
        }
        branch = page_due(reader, &place_on(path, at))?.branch(path.nibble(at));
    }
    Ok(branch)
}
