//! What hangs at one place of the tree.

use serde::{Deserialize, Serialize};

use super::{Leaf, Path};
use crate::{Digest, Domain};

/// What hangs at one place: nothing, a leaf alone, or a node over two leaves and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Branch {
    /// No row's path leads here.
    #[default]
    Empty,
    /// Exactly one does.
    Leaf {
        /// Its whole path.
        path: Path,
        /// The digest of its value.
        value: Digest,
    },
    /// Several do; this is the node's digest.
    Node(Digest),
}

impl Branch {
    /// The digest that stands for it in the node above; of the whole tree it is the root.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Empty => Digest::ZERO,
            Self::Leaf { path, value } => Digest::of(Domain::StateLeaf, &[path.as_bytes(), value.as_bytes()]),
            Self::Node(digest) => *digest,
        }
    }

    /// What hangs above two neighbours. A leaf with nothing beside it moves up.
    #[must_use]
    pub fn join(left: Self, right: Self) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty) => Self::Empty,
            (leaf @ Self::Leaf { .. }, Self::Empty) | (Self::Empty, leaf @ Self::Leaf { .. }) => leaf,
            (left, right) => Self::Node(node(&left.digest(), &right.digest())),
        }
    }

    /// What hangs at a place `depth` bits below the root, given all leaves below it: ascending by path, each path once, all of them
    /// through that place.
    pub fn over(leaves: &[Leaf], depth: usize) -> Self {
        match leaves {
            [] => Self::Empty,
            [(path, value)] => Self::Leaf { path: *path, value: *value },
            [(path, value), ..] if depth >= Path::BITS => Self::Leaf { path: *path, value: *value },
            several => {
                let (left, right) = several.split_at(several.partition_point(|(path, _)| !path.bit(depth)));
                Self::join(Self::over(left, depth + 1), Self::over(right, depth + 1))
            }
        }
    }
}

/// The digest of a node.
pub(super) fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of(Domain::StateNode, &[left.as_bytes(), right.as_bytes()])
}
