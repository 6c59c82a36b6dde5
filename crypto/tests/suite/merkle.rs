//! Merkle trees against RFC 6962's own recursive definition, and paths that lie.

use proptest::prelude::*;
use tetrarch_crypto::{Digest, Domain, MerklePath, MerkleTree};

fn leaves(count: usize) -> Vec<Digest> {
    (0..count).map(|number| Digest::of(Domain::ResultLeaf, &[&number.to_le_bytes()])).collect()
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of(Domain::MerkleNode, &[left.as_bytes(), right.as_bytes()])
}

/// The largest power of two below `count`.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

/// MTH of RFC 6962, section 2.1.
fn naive_top(leaves: &[Digest]) -> Digest {
    match leaves {
        [leaf] => Digest::of(Domain::MerkleLeaf, &[leaf.as_bytes()]),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&naive_top(left), &naive_top(right))
        }
    }
}

fn naive_root(leaves: &[Digest]) -> Digest {
    match leaves.len() as u64 {
        0 => Digest::of(Domain::MerkleNode, &[]),
        count => Digest::of(Domain::MerkleNode, &[&count.to_le_bytes(), naive_top(leaves).as_bytes()]),
    }
}

/// PATH of RFC 6962, section 2.1.1.
fn naive_siblings(index: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut siblings, last) = if index < left.len() {
        (naive_siblings(index, left), naive_top(right))
    } else {
        (naive_siblings(index - left.len(), right), naive_top(left))
    };
    siblings.push(last);
    siblings
}

fn assert_agrees(leaves: &[Digest]) {
    let tree = MerkleTree::new(leaves.to_vec());
    assert_eq!(tree.root(), naive_root(leaves));
    for (index, leaf) in leaves.iter().enumerate() {
        let path = tree.path(index).unwrap();
        assert_eq!((path.index as usize, path.leaves as usize), (index, leaves.len()));
        assert_eq!(path.siblings, naive_siblings(index, leaves));
        assert_eq!(path.root_from(*leaf), Some(tree.root()));
    }
    assert_eq!(tree.path(leaves.len()), None);
}

#[test]
fn every_small_tree_is_the_recursive_one() {
    (0..=68).for_each(|count| assert_agrees(&leaves(count)));
}

#[test]
fn an_empty_tree_has_its_own_root() {
    assert_eq!(MerkleTree::new(Vec::new()).root(), Digest::of(Domain::MerkleNode, &[]));
    assert_eq!(MerkleTree::new(Vec::new()).path(0), None);
}

/// Computed apart from this crate.
#[test]
fn roots_are_these() {
    let three = (1..4).map(|byte| Digest::from_bytes([byte; 32])).collect();
    let expected = "9cdda7edb8d36e49f6f447428872b16bf172d31d7312af25dc8966b9eeae123d";
    assert_eq!(MerkleTree::new(three).root().to_string(), expected);
    let empty = "d2d33025811c523f9a226fdefa1483d89df17f87abfe0ab8964f1d8e27a6073e";
    assert_eq!(MerkleTree::new(Vec::new()).root().to_string(), empty);
}

/// All claims about where a leaf stands, in trees of all sizes up to some bound: only the true one leads to the root.
#[test]
fn a_path_that_lies_about_its_place_is_refused() {
    for count in 1..=17 {
        let all = leaves(count);
        let tree = MerkleTree::new(all.clone());
        for (at, leaf) in all.iter().enumerate() {
            let honest = tree.path(at).unwrap();
            let lies = (0..20).flat_map(|leaves| (0..20).map(move |index| (index, leaves)));
            for (index, leaves) in lies.filter(|lie| *lie != (honest.index, honest.leaves)) {
                let lie = MerklePath { index, leaves, ..honest.clone() };
                assert_ne!(lie.root_from(*leaf), Some(tree.root()), "{at} of {count} as {index} of {leaves}");
            }
        }
    }
}

#[test]
fn an_index_out_of_range_gives_no_root() {
    let path = |index, leaves| MerklePath { index, leaves, siblings: Vec::new() };
    assert_eq!(path(0, 0).root_from(Digest::ZERO), None);
    assert_eq!(path(1, 1).root_from(Digest::ZERO), None);
    assert_eq!(path(u32::MAX, u32::MAX).root_from(Digest::ZERO), None);
    assert!(path(0, 1).root_from(Digest::ZERO).is_some());
}

#[test]
fn the_largest_tree_demands_exactly_32_siblings() {
    let path = |siblings| MerklePath { index: 5, leaves: u32::MAX, siblings: vec![Digest::ZERO; siblings] };
    assert_eq!(path(31).root_from(Digest::ZERO), None);
    assert!(path(32).root_from(Digest::ZERO).is_some());
    assert_eq!(path(33).root_from(Digest::ZERO), None);
}

/// A top node given out as a leaf: the domains keep them apart.
#[test]
fn an_inner_node_does_not_pass_for_a_leaf() {
    let four = leaves(4);
    let lower = [naive_top(&four[..2]), naive_top(&four[2..])];
    assert_ne!(MerkleTree::new(lower.to_vec()).root(), MerkleTree::new(four).root());
}

#[test]
fn a_path_travels_unchanged() {
    let path = MerkleTree::new(leaves(11)).path(10).unwrap();
    let bytes = postcard::to_allocvec(&path).unwrap();
    assert_eq!(bytes.len(), 1 + 1 + 1 + 32 * path.siblings.len());
    assert_eq!(postcard::from_bytes::<MerklePath>(&bytes).unwrap(), path);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn larger_trees_are_the_recursive_one(count in 1usize..1_500, pick in any::<prop::sample::Index>()) {
        let (all, at) = (leaves(count), pick.index(count));
        let path = MerkleTree::new(all.clone()).path(at).unwrap();
        prop_assert_eq!(&path.siblings, &naive_siblings(at, &all));
        prop_assert_eq!(path.root_from(all[at]), Some(naive_root(&all)));
    }

    #[test]
    fn a_wrong_leaf_or_sibling_is_refused(count in 2usize..200, pick in any::<prop::sample::Index>(), which in any::<prop::sample::Index>()) {
        let (all, at) = (leaves(count), pick.index(count));
        let tree = MerkleTree::new(all.clone());
        let path = tree.path(at).unwrap();
        let wrong = Digest::of(Domain::ResultLeaf, &[b"wrong"]);
        prop_assert_ne!(path.root_from(wrong), Some(tree.root()));

        let which = which.index(path.siblings.len());
        let mut changed = path.clone();
        changed.siblings[which] = wrong;
        prop_assert_ne!(changed.root_from(all[at]), Some(tree.root()));
        let mut shorter = path.clone();
        shorter.siblings.remove(which);
        prop_assert_eq!(shorter.root_from(all[at]), None);
        let mut longer = path;
        longer.siblings.insert(which, wrong);
        prop_assert_eq!(longer.root_from(all[at]), None);
    }
}
