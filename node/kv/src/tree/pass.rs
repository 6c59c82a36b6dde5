//! Folding what changed, all of it or a share with each batch, so that no batch waits until everything is folded.
//!
//! ```text
//!   lists of changes ──begin──▶ the last change of each row, ascending by path ──a share with each batch──▶ pages
//!        └──────────────────── stay until the pass has ended, and go with its last share ◀──────────────────┘
//! ```
//!
//! The tree is sound behind every share, and the lists still say what it lacks. What a pass had folded when a crash ended it is folded
//! again, to the same end: while a list is there, so are all later ones, and the last that they say of a row counts.

use std::sync::Arc;

use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError};

use super::changes::{self, Change};
use super::fold::fold_in;
use super::look::root;
use super::pages::CHANGED;
use crate::tables::{Overlay, behind};

/// The bytes of lists that one pass takes up, about: what stands in memory beside the overlay's own changes. Large, because what is folded
/// together shares most pages: more than a hundred thousand changes, as keys usually are.
const MOST: usize = 16 * 1024 * 1024;

/// Folds all that changed into the tree, and returns the state's root.
///
/// # Errors
/// If the tree or a list of changes cannot be read. The overlay's changes must then be thrown away.
pub fn fold(state: &mut Overlay<'_>) -> Result<Digest, StoreError> {
    Pass::begin(state)?.finish(state)
}

/// Changes on their way into the tree, and the lists in which they stand.
#[derive(Clone, Debug)]
pub struct Pass {
    changes: Arc<[Change]>,
    folded: usize,
    lists: Arc<[Vec<u8>]>,
}

impl Pass {
    /// Takes up what has changed until now, or the oldest of it where that is very much.
    ///
    /// # Errors
    /// If a list cannot be read.
    pub fn begin(reader: &dyn Reader) -> Result<Self, StoreError> {
        Self::of(reader, Vec::new(), MOST)
    }

    /// The oldest lists from this key on, with about so many bytes.
    fn of(reader: &dyn Reader, mut from: Vec<u8>, most: usize) -> Result<Self, StoreError> {
        let (mut changes, mut lists, mut bytes) = (Vec::new(), Vec::new(), 0);
        while bytes < most {
            let rows = changes::lists(reader, &from)?;
            let Some((last, _)) = rows.last() else { break };
            from = behind(last);
            for row in rows {
                bytes += row.1.len();
                changes.extend(changes::read(&row)?);
                lists.push(row.0);
            }
        }
        Ok(Self { changes: changes::latest(changes).into(), folded: 0, lists: lists.into() })
    }

    /// Folds so many of the changes, or what is left of them; the lists go with the last. Whether it has ended.
    ///
    /// # Errors
    /// If the tree cannot be read. The overlay's changes must then be thrown away, and the pass with them.
    pub fn advance(&mut self, state: &mut Overlay<'_>, share: usize) -> Result<bool, StoreError> {
        let left = self.changes.get(self.folded..).unwrap_or_default();
        let share = left.get(..share).unwrap_or(left);
        fold_in(state, share)?;
        self.folded += share.len();
        let has_ended = share.len() == left.len();
        if has_ended {
            self.lists.iter().for_each(|list| state.delete(CHANGED, list.as_slice()));
        }
        Ok(has_ended)
    }

    /// Folds all that is left, and what changed since, and returns the state's root.
    ///
    /// # Errors
    /// As for [`fold`].
    pub fn finish(self, state: &mut Overlay<'_>) -> Result<Digest, StoreError> {
        self.finish_in_passes(state, MOST)
    }

    fn finish_in_passes(mut self, state: &mut Overlay<'_>, most: usize) -> Result<Digest, StoreError> {
        while let Some(last) = self.lists.last() {
            // Those that are folded are not read once more.
            let from = behind(last);
            self.advance(state, usize::MAX)?;
            self = Self::of(state, from, most)?;
        }
        root(state)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

    use tetrarch_crypto::Digest;
    use tetrarch_storage::{Durability, MemoryStore, Store, Table};
    use tetrarch_types::SeqNum;

    use super::{MOST, Pass, root};
    use crate::tables::Overlay;
    use crate::tree::{TABLES, changed_rows, note};

    const ROWS: Table = Table::new("kv.records");

    fn tables() -> Vec<Table> {
        [&[ROWS], TABLES.as_slice()].concat()
    }

    /// Three hundred batches that overwrite and delete each other's rows, and nothing of it folded.
    fn unfolded() -> MemoryStore {
        let store = MemoryStore::new();
        for batch in 0..300_u32 {
            let tables = tables();
            let mut state = Overlay::new(&store, &tables);
            for row in (0..20).map(|it| (batch * 7 + it) % 500) {
                state.put(ROWS, row.to_be_bytes(), batch.to_be_bytes());
                state.delete(ROWS, (row + 3).to_be_bytes());
            }
            note(&mut state, &[ROWS], SeqNum::new(batch.into()));
            store.write(state.into_batch().unwrap(), Durability::Buffered).unwrap();
        }
        store
    }

    fn folded(most: usize) -> Digest {
        let (store, tables) = (unfolded(), tables());
        let mut state = Overlay::new(&store, &tables);
        Pass::of(&state, Vec::new(), most).unwrap().finish_in_passes(&mut state, most).unwrap()
    }

    #[test]
    fn small_passes_fold_the_same() {
        assert_eq!(folded(1), folded(MOST));
        assert_ne!(folded(1), Digest::ZERO);
    }

    #[test]
    fn shares_fold_the_same_and_lists_stay_until_the_last() {
        let (store, tables) = (unfolded(), tables());
        let mut state = Overlay::new(&store, &tables);
        let mut pass = Pass::begin(&state).unwrap();
        let listed = changed_rows(&state).unwrap();
        let mut shares = 0;
        while !pass.advance(&mut state, 10).unwrap() {
            assert_eq!(changed_rows(&state).unwrap(), listed);
            shares += 1;
        }
        assert_eq!(shares, (listed - 1) / 10);
        assert_eq!(changed_rows(&state).unwrap(), 0);
        assert_eq!(root(&state).unwrap(), folded(MOST));
    }
}
