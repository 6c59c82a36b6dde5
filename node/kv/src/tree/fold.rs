//! Bringing the pages up to what the rows are now.
//!
//! From the root down, all changes together: each page that a change lies below is read once and written once, others not at all.
//!
//! ```text
//!   page ──▶ the changes behind each nibble ──┬─ a page is there: the same, one place down
//!                                             └─ nothing or a leaf: build what hangs there from it and the changes
//!   joined again: a node → the page is written;  a leaf or nothing → the page goes, the leaf moves up
//! ```

use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, Prefix};
use tetrarch_storage::StoreError;

use super::changes::Change;
use super::pages::{PAGES, PATHS, own, page, page_due};
use crate::tables::Overlay;

/// Folds changes into the tree: the last of each row, ascending by path.
pub(super) fn fold_in(state: &mut Overlay<'_>, latest: &[Change]) -> Result<(), StoreError> {
    update(state, &Prefix::ROOT, Branch::Empty, latest).map(|_| ())
}

/// What hangs at a place behind these changes, all of them below it and ascending.
fn update(state: &mut Overlay<'_>, place: &Prefix, was: Branch, changes: &[Change]) -> Result<Branch, StoreError> {
    if changes.is_empty() {
        return Ok(was);
    }
    let mut page = match was {
        _ if place.is_empty() => page(state, place)?.unwrap_or_default(),
        Branch::Node(_) => page_due(state, place)?,
        Branch::Leaf { path, value } => return Ok(grow(state, place, Some((path, value)), changes)),
        Branch::Empty => return Ok(grow(state, place, None, changes)),
    };
    for (nibble, below) in by_nibble(changes, place.len(), |change| &change.path) {
        let branch = update(state, &place.child(nibble), page.branch(nibble), below)?;
        page.set(nibble, branch);
    }
    Ok(settle(state, place, &page))
}

/// What hangs where at most a leaf hung before: no page was below.
fn grow(state: &mut Overlay<'_>, place: &Prefix, stood: Option<Leaf>, changes: &[Change]) -> Branch {
    let mut leaves: Vec<Leaf> = Vec::with_capacity(changes.len() + 1);
    leaves.extend(stood.filter(|(path, _)| changes.iter().all(|change| change.path != *path)));
    for change in changes {
        let was_there = stood.is_some_and(|(path, _)| path == change.path);
        match change.value {
            Some(_) if !was_there => own(state, &change.path, &change.table, &change.key),
            None if was_there => state.delete(PATHS, *change.path.as_bytes()),
            _ => {}
        }
        leaves.extend(change.value.map(|value| (change.path, value)));
    }
    leaves.sort_unstable();
    build(state, place, &leaves)
}

/// Writes the pages over these leaves, all of them below the place and ascending, where no page is yet.
pub(super) fn build(state: &mut Overlay<'_>, place: &Prefix, leaves: &[Leaf]) -> Branch {
    match leaves {
        [] if !place.is_empty() => return Branch::Empty,
        [(path, value)] if !place.is_empty() => return Branch::Leaf { path: *path, value: *value },
        _ => {}
    }
    let mut page = Page::default();
    for (nibble, below) in by_nibble(leaves, place.len(), |(path, _)| path) {
        // Paths differ, so two of them part before they end.
        page.set(nibble, build(state, &place.child(nibble), below));
    }
    settle(state, place, &page)
}

/// Keeps a page, or drops it if fewer than two leaves hang below it; what hangs at its place.
pub(super) fn settle(state: &mut Overlay<'_>, place: &Prefix, page: &Page) -> Branch {
    let branch = page.joined();
    if place.is_empty() || matches!(branch, Branch::Node(_)) {
        state.put(PAGES, place.nibbles(), page.to_bytes());
    } else {
        state.delete(PAGES, place.nibbles());
    }
    branch
}

/// Ascending items, by the nibble that their path has at a depth: only nibbles that some have.
fn by_nibble<T>(items: &[T], depth: usize, path: impl Fn(&T) -> &Path) -> Vec<(u8, &[T])> {
    let nibble = |item: &T| path(item).nibble(depth);
    let groups = items.chunk_by(|one, next| nibble(one) == nibble(next));
    groups.map(|group| (group.first().map_or(0, nibble), group)).collect()
}
