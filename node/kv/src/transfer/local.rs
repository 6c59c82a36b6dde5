//! The state here, as the fetcher needs it.

use tetrarch_crypto::state_tree::{Branch, Prefix};
use tetrarch_storage::StoreError;
use tetrarch_types::StateRow;

/// The state here, for comparing and writing.
pub trait Local {
    /// What hangs at a place of the folded tree.
    ///
    /// # Errors
    /// If the tree cannot be read.
    fn branch_at(&self, place: &Prefix) -> Result<Branch, StoreError>;

    /// Makes the rows below each of these places exactly those that stand with it, with all that follows from them, at once and in
    /// one atomic write. They were found to be what is due there, and no place lies below another.
    ///
    /// # Errors
    /// If the state cannot be read or written.
    fn install(&self, places: &[Placed]) -> Result<(), StoreError>;
}

/// A place, and every row that is due below it.
pub type Placed = (Prefix, Vec<StateRow>);
