//! Merkle trees in the shape of RFC 6962, and paths through them.
//!
//! ```text
//! root = node(number of leaves, top)          five leaves:        top
//! top  = node(left, right), recursively                       ┌────┴────┐
//! leaf = leaf(digest)                                       ┌─┴─┐       │
//!                                                          ┌┴┐ ┌┴┐      │
//!                                                          0 1 2 3      4
//! ```
//!
//! A tree of n leaves has the largest power of two below n on its left (RFC 6962, section 2.1). `node` and `leaf` are
//! [`Digest::of`] under [`Domain::MerkleNode`] and [`Domain::MerkleLeaf`], so that no inner node passes for a leaf. RFC 6962
//! signs the number of leaves beside the root; here the root itself covers it, so that a path that lies about its index or
//! about the number of leaves leads to another root.

use serde::{Deserialize, Serialize};

use crate::{Digest, Domain};

/// A tree over digests; it holds every node, about twice as many digests as it has leaves.
#[derive(Clone, Debug)]
pub struct MerkleTree {
    /// From the hashed leaves up to the top. Level by level, a node without a right neighbour moves up as it is.
    levels: Vec<Vec<Digest>>,
}

impl MerkleTree {
    /// Builds the tree. The order of the leaves counts, and equal leaves are leaves of their own.
    pub fn new(leaves: Vec<Digest>) -> Self {
        let mut level: Vec<Digest> = leaves.iter().map(hashed_leaf).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let above = level_above(&level);
            levels.push(std::mem::replace(&mut level, above));
        }
        levels.push(level);
        Self { levels }
    }

    /// The digest that stands for all leaves, their order and their number. An empty tree's is
    /// `Digest::of(Domain::MerkleNode, &[])`.
    pub fn root(&self) -> Digest {
        match self.levels.last().and_then(|level| level.first()) {
            Some(top) => root_over(self.leaves() as u64, top),
            None => Digest::of(Domain::MerkleNode, &[]),
        }
    }

    /// The proof that the leaf at `index` (counted from zero) belongs to the root. `None` if there is no such leaf, or if the
    /// tree has more leaves than a `u32` counts.
    pub fn path(&self, index: usize) -> Option<MerklePath> {
        if index >= self.leaves() {
            return None;
        }
        let neighbours = self.levels.iter().enumerate().map(|(height, level)| level.get((index >> height) ^ 1));
        Some(MerklePath {
            index: index.try_into().ok()?,
            leaves: self.leaves().try_into().ok()?,
            siblings: neighbours.flatten().copied().collect(),
        })
    }

    fn leaves(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }
}

/// What one needs beside a leaf to compute its tree's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerklePath {
    /// Where the leaf stands, counted from zero.
    pub index: u32,
    /// How many leaves the tree has.
    pub leaves: u32,
    /// The neighbours on the way up, lowest first; at most 32.
    pub siblings: Vec<Digest>,
}

impl MerklePath {
    /// The root of the tree that has `leaf` (as it was given to [`MerkleTree::new`]) at this path's place. The path proves
    /// something only if that root equals one that is trusted.
    ///
    /// `None` if the index is not below the number of leaves, or if there are not exactly as many siblings as that place in
    /// such a tree demands. The walk is RFC 9162's, section 2.1.3.2.
    pub fn root_from(&self, leaf: Digest) -> Option<Digest> {
        let mut last = self.leaves.checked_sub(1).filter(|last| self.index <= *last)?;
        let mut index = self.index;
        let mut siblings = self.siblings.iter();
        let mut node = hashed_leaf(&leaf);
        while last > 0 {
            if index & 1 == 1 {
                node = joined(siblings.next()?, &node);
            } else if index < last {
                node = joined(&node, siblings.next()?);
            }
            index >>= 1;
            last >>= 1;
        }
        siblings.next().is_none().then(|| root_over(u64::from(self.leaves), &node))
    }
}

fn hashed_leaf(leaf: &Digest) -> Digest {
    Digest::of(Domain::MerkleLeaf, &[leaf.as_bytes()])
}

fn joined(left: &Digest, right: &Digest) -> Digest {
    Digest::of(Domain::MerkleNode, &[left.as_bytes(), right.as_bytes()])
}

/// Eight bytes and 32 can never be read as a node's 32 and 32: the parts' lengths are hashed too.
fn root_over(leaves: u64, top: &Digest) -> Digest {
    Digest::of(Domain::MerkleNode, &[&leaves.to_le_bytes(), top.as_bytes()])
}

fn level_above(level: &[Digest]) -> Vec<Digest> {
    let pair = |pair: &[Digest]| match pair {
        [left, right] => Some(joined(left, right)),
        [alone] => Some(*alone),
        _ => None,
    };
    level.chunks(2).filter_map(pair).collect()
}
