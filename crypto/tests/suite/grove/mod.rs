//! Sets of leaves, the pages over them, and the tree's root by an independent formula.

#![allow(unreachable_pub, reason = "a module of every test file that wants it, and each wants another part")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, Prefix, TreeProof, value_digest};

/// All leaves of one tree, with the pages that were asked for so far.
pub struct Grove {
    leaves: Vec<Leaf>,
    pages: RefCell<BTreeMap<Prefix, Page>>,
}

impl Grove {
    /// The tree over these leaves, in whatever order they come.
    pub fn of(leaves: impl IntoIterator<Item = Leaf>) -> Self {
        let sorted: BTreeMap<Path, Digest> = leaves.into_iter().collect();
        Self { leaves: sorted.into_iter().collect(), pages: RefCell::default() }
    }

    /// The tree of the rows 0 to `count` of one table.
    pub fn of_rows(count: usize) -> Self {
        Self::of((0..count).map(row))
    }

    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    pub fn root(&self) -> Digest {
        Branch::over(&self.leaves, 0).digest()
    }

    /// The leaves below a place.
    pub fn below(&self, place: &Prefix) -> &[Leaf] {
        let from = self.leaves.partition_point(|(path, _)| *path < place.first());
        let to = self.leaves.partition_point(|(path, _)| *path <= place.last());
        &self.leaves[from..to]
    }

    /// The page that hangs at a place.
    pub fn page(&self, place: &Prefix) -> Page {
        if let Some(page) = self.pages.borrow().get(place) {
            return page.clone();
        }
        let mut page = Page::default();
        for nibble in 0..16 {
            let child = place.child(nibble);
            page.set(nibble, Branch::over(self.below(&child), child.len() * 4));
        }
        self.pages.borrow_mut().insert(place.clone(), page.clone());
        page
    }

    pub fn proof(&self, path: &Path) -> TreeProof {
        TreeProof::build(path, |depth| Ok::<_, Infallible>(self.page(&place(path, depth)))).unwrap()
    }

    /// How many neighbours stand on the way to a leaf of this tree: one below the last bit that it shares with any other.
    pub fn height(&self, at: usize) -> usize {
        let shared = |other: usize| self.leaves[other].0.common_bits(&self.leaves[at].0) + 1;
        let before = at.checked_sub(1).map_or(0, shared);
        let after = if at + 1 < self.leaves.len() { shared(at + 1) } else { 0 };
        before.max(after)
    }
}

/// The place `depth` nibbles down a path.
pub fn place(path: &Path, depth: usize) -> Prefix {
    Prefix::new((0..depth).map(|at| path.nibble(at)).collect()).unwrap()
}

/// A row's leaf, by the row's number.
pub fn row(number: usize) -> Leaf {
    (Path::of("rows", &number.to_be_bytes()), value_digest(&number.to_le_bytes()))
}

/// A proof taken apart: it travels as its neighbours and what stands at its end.
pub type Parts = (Vec<Digest>, Option<Leaf>);

pub fn parts(proof: &TreeProof) -> Parts {
    postcard::from_bytes(&postcard::to_allocvec(proof).unwrap()).unwrap()
}

pub fn assembled(parts: &Parts) -> TreeProof {
    postcard::from_bytes(&postcard::to_allocvec(parts).unwrap()).unwrap()
}

/// The path that shares exactly `bits` bits with another.
pub fn branching_off(path: &Path, bits: usize) -> Path {
    let mut bytes = *path.as_bytes();
    bytes[bits / 8] ^= 0x80 >> (bits % 8);
    // What follows is of no matter to the tree, and must be of none.
    bytes[bits / 8 + 1..].iter_mut().for_each(|byte| *byte = byte.wrapping_mul(29).wrapping_add(7));
    Path::from_bytes(bytes)
}

/// Paths of which many share long beginnings.
pub fn arb_path() -> impl Strategy<Value = Path> + Clone {
    let crowded = (prop::sample::select(vec![0x00_u8, 0xa7, 0xff]), 0..256_usize)
        .prop_map(|(byte, bit)| branching_off(&Path::from_bytes([byte; 32]), bit));
    prop_oneof![any::<[u8; 32]>().prop_map(Path::from_bytes), crowded]
}

pub fn arb_leaves(most: usize) -> impl Strategy<Value = Vec<Leaf>> + Clone {
    let value = any::<[u8; 32]>().prop_map(Digest::from_bytes);
    // Each path once: a set of rows has one value a row.
    prop::collection::btree_map(arb_path(), value, 0..=most).prop_map(|leaves| leaves.into_iter().collect())
}

/// The root by nothing but its definition: SHA-256 over length-prefixed parts, one bit of the paths after the other, the
/// leaves in any order.
pub fn naive_root(leaves: &[Leaf], depth: usize) -> [u8; 32] {
    match leaves {
        [] => [0; 32],
        [(path, value)] => tagged("tetrarch/1/state-leaf", path.as_bytes(), value.as_bytes()),
        several => {
            let turns_right = |leaf: &&Leaf| (leaf.0.as_bytes()[depth / 8] << (depth % 8)) & 0x80 != 0;
            let (right, left): (Vec<Leaf>, Vec<Leaf>) = several.iter().partition(turns_right);
            tagged("tetrarch/1/state-node", &naive_root(&left, depth + 1), &naive_root(&right, depth + 1))
        }
    }
}

fn tagged(tag: &str, one: &[u8; 32], two: &[u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [tag.as_bytes(), one, two] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
