//! Bringing the pages up to what the rows are now.
//!
//! From the root down, all changes together: each page that a change lies below is read once and written once, others not at all.
//!
//! ```text
//!   page ──▶ the changes behind each nibble ──┬─ a page is there: the same, one place down
//!                                             └─ nothing or a leaf: build what hangs there from it and the changes
//!   joined again: a node → the page is written;  a leaf or nothing → the page goes, the leaf moves up
//! ```

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, Prefix};
use tetrarch_storage::StoreError;
use tetrarch_types::encode;

use super::changes::{self, Change};
use super::look::root;
use super::pages::{CHANGED, PAGES, PATHS, own, page, page_due};
use crate::tables::{Overlay, behind};

/// The bytes of lists that are folded in one go, about: what stands in memory beside the overlay's own changes. Large, because goes share
/// most pages: more than a hundred thousand changes, as keys usually are.
const GO: usize = 16 * 1024 * 1024;

/// Folds all that changed into the tree, and returns the state's root.
///
/// # Errors
/// If the tree or a list of changes cannot be read. The overlay's changes must then be thrown away.
pub fn fold(state: &mut Overlay<'_>) -> Result<Digest, StoreError> {
    fold_in_goes(state, GO)
}

fn fold_in_goes(state: &mut Overlay<'_>, go: usize) -> Result<Digest, StoreError> {
    loop {
        let (changes, is_all) = take(state, go)?;
        fold_in(state, changes)?;
        if is_all {
            return root(state);
        }
    }
}

/// Takes the oldest lists of changes, with about so many bytes; whether these are all.
fn take(state: &mut Overlay<'_>, go: usize) -> Result<(Vec<Change>, bool), StoreError> {
    let (mut changes, mut from, mut bytes) = (Vec::new(), Vec::new(), 0);
    while bytes < go {
        let lists = changes::lists(state, &from)?;
        let Some((last, _)) = lists.last() else { return Ok((changes, true)) };
        from = behind(last);
        for list in lists {
            bytes += list.1.len();
            changes.extend(changes::read(&list)?);
            state.delete(CHANGED, list.0);
        }
    }
    Ok((changes, false))
}

/// Folds changes into the tree, in the order in which they came.
pub(super) fn fold_in(state: &mut Overlay<'_>, changes: Vec<Change>) -> Result<(), StoreError> {
    update(state, &Prefix::ROOT, Branch::Empty, &changes::latest(changes)).map(|_| ())
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
        state.put(PAGES, place.nibbles(), encode(page));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

    use tetrarch_crypto::Digest;
    use tetrarch_storage::{Durability, MemoryStore, Store, Table};
    use tetrarch_types::SeqNum;

    use super::{GO, fold_in_goes};
    use crate::tables::Overlay;
    use crate::tree::{TABLES, note};

    const ROWS: Table = Table::new("kv.records");

    /// The root after three hundred batches that overwrite and delete each other's rows.
    fn folded(go: usize) -> Digest {
        let (store, tables) = (MemoryStore::new(), [&[ROWS], TABLES.as_slice()].concat());
        for batch in 0..300_u32 {
            let mut state = Overlay::new(&store, &tables);
            for row in (0..20).map(|it| (batch * 7 + it) % 500) {
                state.put(ROWS, row.to_be_bytes(), batch.to_be_bytes());
                state.delete(ROWS, (row + 3).to_be_bytes());
            }
            note(&mut state, &[ROWS], SeqNum::new(batch.into()));
            store.write(state.into_batch().unwrap(), Durability::Buffered).unwrap();
        }
        fold_in_goes(&mut Overlay::new(&store, &tables), go).unwrap()
    }

    #[test]
    fn small_goes_fold_the_same() {
        assert_eq!(folded(1), folded(GO));
        assert_ne!(folded(1), Digest::ZERO);
    }
}
