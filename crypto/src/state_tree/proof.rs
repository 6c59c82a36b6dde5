//! That a row is in the state, or is not, for anyone who trusts the root.

use serde::{Deserialize, Serialize};

use super::branch::node;
use super::{Branch, Leaf, Page, Path};
use crate::Digest;

/// The way from the root to where a row's leaf is, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeProof {
    /// The neighbours on the way down, the root's children first; at most 256.
    siblings: Vec<Digest>,
    /// The leaf at the end of the way: the row's own, or another one that stands where it would. None: nothing stands there.
    end: Option<Leaf>,
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// More neighbours than a path has bits, or a way that is longer than it has to be.
    #[error("the proof is not in its one proper form")]
    Form,
    /// The leaf at its end does not stand on the row's path.
    #[error("the proof leads to a leaf that does not stand in this row's place")]
    Astray,
    /// It leads to another root.
    #[error("the proof does not lead to the certified state root")]
    WrongRoot,
}

impl TreeProof {
    /// Builds a proof from the pages on a path, the root's first; `page` gives the one at a depth in nibbles, and is not asked below
    /// the last one needed.
    ///
    /// # Errors
    /// What `page` says.
    pub fn build<E>(path: &Path, mut page: impl FnMut(usize) -> Result<Page, E>) -> Result<Self, E> {
        let mut siblings = Vec::new();
        for depth in 0..Path::NIBBLES {
            let (passed, branch) = page(depth)?.walk(path, depth * 4);
            siblings.extend(passed);
            match branch {
                Branch::Empty => return Ok(Self { siblings, end: None }),
                Branch::Leaf { path, value } => return Ok(Self { siblings, end: Some((path, value)) }),
                Branch::Node(_) => {}
            }
        }
        Ok(Self { siblings, end: None })
    }

    /// The digest of the row's value under this root; none if the proof shows that there is no such row.
    ///
    /// # Errors
    /// [`ProofError`]: the proof shows nothing.
    pub fn verify(&self, root: &Digest, path: &Path) -> Result<Option<Digest>, ProofError> {
        if self.siblings.len() > Path::BITS || self.siblings.last().is_some_and(|last| *last == Digest::ZERO) {
            // Nothing beside a leaf, or beside nothing: the way would have ended one step earlier.
            return Err(ProofError::Form);
        }
        let end = match &self.end {
            Some((found, _)) if found.common_bits(path) < self.siblings.len() => return Err(ProofError::Astray),
            Some((found, value)) => Branch::Leaf { path: *found, value: *value },
            None => Branch::Empty,
        };
        let steps = self.siblings.iter().enumerate().rev();
        let top = steps.fold(end.digest(), |below, (depth, sibling)| match path.bit(depth) {
            false => node(&below, sibling),
            true => node(sibling, &below),
        });
        if top != *root {
            return Err(ProofError::WrongRoot);
        }
        Ok(self.end.filter(|(found, _)| found == path).map(|(_, value)| value))
    }
}
