//! The state tree's shape and hashes: a function of the set of rows alone, and of the bytes pinned here.

use std::collections::BTreeSet;

use crate::grove::{self, Grove, arb_leaves, arb_path, branching_off, naive_root, place, row};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, Prefix, value_digest};
use tetrarch_crypto::{Digest, Domain};

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn leaf_branch((path, value): Leaf) -> Branch {
    Branch::Leaf { path, value }
}

/// A page that has every shape: nothing, leaves with and without neighbours, a node.
fn mixed_page() -> Page {
    let mut page = Page::default();
    for (nibble, value) in [(3, 1), (5, 2), (15, 3)] {
        page.set(nibble, leaf_branch((Path::from_bytes([nibble * 0x11; 32]), digest(value))));
    }
    page.set(4, Branch::Node(digest(0x44)));
    page
}

#[test]
fn rows_of_all_counts_give_the_formulas_root() {
    for count in [0, 1, 2, 3, 16, 17, 255, 1_000] {
        let grove = Grove::of_rows(count);
        assert_eq!(grove.root().as_bytes(), &naive_root(grove.leaves(), 0), "{count} rows");
    }
}

/// Computed apart from this crate.
#[test]
fn paths_values_and_roots_are_these() {
    let one: Leaf = (Path::of("kv.records", b"a"), value_digest(b"1"));
    let two: Leaf = (Path::of("kv.records", b"b"), value_digest(b"2"));
    let path = "fedace34b605187e08e3f100f17f2dc25b205e0b1060d993cb01e064aa47814f";
    assert_eq!(hex::encode(one.0.as_bytes()), path);
    let value = "b1f7576bc62707e452e5f021361ccb3f5f5602ecdce74fd98dd0dbb5eb0b9212";
    assert_eq!(one.1.to_string(), value);
    let seventeen = (0..17_u8).map(|byte| (Path::of("t", &[byte]), value_digest(&[byte])));
    let golden = [
        (Grove::of([]), "0000000000000000000000000000000000000000000000000000000000000000"),
        (Grove::of([one]), "55395f61c01a733cfbe57f22f6d6582863dde1377db622bfc55c4a0278f97524"),
        (Grove::of([one, two]), "409e6291c7669558532d290da0cfb8c38193aa609f2dc92c4f837fcc5fa34145"),
        (Grove::of(seventeen), "1950443fa45e8254e573ca98a387404e4e984db439a9cbbc2618331140992c77"),
    ];
    for (grove, expected) in golden {
        assert_eq!(grove.root().to_string(), expected, "{} leaves", grove.leaves().len());
    }
}

/// Computed apart from this crate: the digest where the page hangs, and a SHA-256 over the page's bytes.
#[test]
fn a_page_is_this() {
    let (page, bytes) = (mixed_page(), postcard::to_allocvec(&mixed_page()).unwrap());
    let expected = "62f50820eed356ea4bb78f7312df23c365c342c915f687eaf6de882902a029ee";
    assert_eq!(page.joined().digest().to_string(), expected);
    assert_eq!(bytes.len(), 240);
    let expected = "ac876bd3fbf67963b1f6eddf882796f961dc6ab50f8af400df2ae5dbd35e5d71";
    assert_eq!(hex::encode(Sha256::digest(&bytes)), expected);
    assert_eq!(postcard::from_bytes::<Page>(&bytes).unwrap(), page);
    assert_eq!((page.to_bytes(), Page::from_bytes(&bytes)), (bytes, Some(page)));
}

fn branch() -> impl Strategy<Value = Branch> {
    prop_oneof![
        Just(Branch::Empty),
        any::<[u8; 32]>().prop_map(|digest| Branch::Node(Digest::from_bytes(digest))),
        any::<([u8; 32], [u8; 32])>()
            .prop_map(|(path, value)| Branch::Leaf { path: Path::from_bytes(path), value: Digest::from_bytes(value) }),
    ]
}

proptest! {
    #[test]
    fn a_page_has_one_form(branches in prop::array::uniform16(branch()), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let page = Page(branches);
        let mut bytes = page.to_bytes();
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&page).unwrap());
        prop_assert_eq!(bytes.len(), page.encoded_len());
        prop_assert_eq!(Page::from_bytes(&bytes), Some(page));
        prop_assert_eq!(Page::from_bytes(&[bytes.as_slice(), &[0]].concat()), None, "nothing follows it");
        prop_assert_eq!(Page::from_bytes(&bytes[..at.index(bytes.len())]), None, "nothing is missing");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Some(other) = Page::from_bytes(&bytes) {
            prop_assert_eq!(other.to_bytes(), bytes, "two forms are two pages");
        }
    }
}

#[test]
fn a_leaf_alone_moves_up_and_a_node_does_not() {
    let (leaf, node) = (leaf_branch(row(1)), Branch::Node(digest(1)));
    let empty = Branch::Empty;
    assert_eq!(Branch::join(empty, empty), empty);
    for (one, other) in [(leaf, empty), (empty, leaf)] {
        assert_eq!(Branch::join(one, other), leaf);
    }
    let pairs = [(node, empty), (empty, node), (leaf, node), (node, leaf), (leaf, leaf), (node, node)];
    for (left, right) in pairs {
        let expected = Digest::of(Domain::StateNode, &[left.digest().as_bytes(), right.digest().as_bytes()]);
        assert_eq!(Branch::join(left, right), Branch::Node(expected));
    }
    assert_eq!((empty.digest(), node.digest()), (Digest::ZERO, digest(1)));
}

#[test]
fn leaves_that_part_late_have_the_formulas_root() {
    let trunk = Path::from_bytes([0x5c; 32]);
    for bits in 1..Path::BITS {
        let other = branching_off(&trunk, bits);
        assert_eq!(trunk.common_bits(&other), bits);
        let grove = Grove::of([(trunk, digest(1)), (other, digest(2)), (branching_off(&trunk, 0), digest(3))]);
        assert_eq!(grove.root().as_bytes(), &naive_root(grove.leaves(), 0), "{bits} bits in common");
        let mut above = Prefix::ROOT;
        while above.len() < bits / 4 {
            let below = place(&trunk, above.len() + 1);
            let joined = grove.page(&below).joined();
            assert_eq!(grove.page(&above).branch(trunk.nibble(above.len())), joined, "{below}");
            assert!(matches!(joined, Branch::Node(_)));
            above = below;
        }
    }
}

/// The same bytes never have one digest for two purposes: no leaf is a node, no value a path.
#[test]
fn the_domains_of_the_tree_are_apart() {
    let domains = [
        Domain::StatePath,
        Domain::StateValue,
        Domain::StateLeaf,
        Domain::StateNode,
        Domain::StateRoot,
        Domain::MerkleNode,
    ];
    for number in 0..50 {
        let (path, value) = row(number);
        let parts: [&[u8]; 2] = [path.as_bytes(), value.as_bytes()];
        let digests: BTreeSet<Digest> = domains.iter().map(|domain| Digest::of(*domain, &parts)).collect();
        assert_eq!(digests.len(), domains.len());
        let leaf = leaf_branch((path, value)).digest();
        let children = [Branch::Node(Digest::from_bytes(*path.as_bytes())), Branch::Node(value)];
        assert_ne!(Branch::join(children[0], children[1]).digest(), leaf, "a node of the same bytes");
        // A table and a key cut elsewhere, and a value that spells them out.
        let table = "rows";
        assert_ne!(Path::of(table, b"1x"), Path::of("rows1", b"x"));
        assert_ne!(Path::of(table, b"").as_bytes(), value_digest(table.as_bytes()).as_bytes());
    }
}

#[test]
fn branches_are_placed_and_found_by_nibble() {
    let mut page = Page::default();
    for nibble in 0..16 {
        page.set(nibble, Branch::Node(digest(nibble + 1)));
    }
    for nibble in 0..16 {
        assert_eq!(page.branch(nibble), Branch::Node(digest(nibble + 1)));
    }
    let before = page.clone();
    page.set(16, Branch::Empty);
    assert_eq!((page.branch(16), page.branch(255)), (Branch::Empty, Branch::Empty));
    assert_eq!(page, before, "there is no seventeenth");
}

/// What a page says of its nodes is not in its digest: a leaf that has a neighbour may be called a node, and nothing beside a
/// node a node of zeroes. Who installs pages has to see it from what is below.
#[test]
fn a_digest_does_not_tell_a_leaf_from_a_node_of_its_digest() {
    let mut page = mixed_page();
    page.set(8, Branch::Node(digest(0x88)));
    for (nibble, lie) in [(5, Branch::Node(page.branch(5).digest())), (9, Branch::Node(Digest::ZERO))] {
        let mut other = page.clone();
        other.set(nibble, lie);
        assert_ne!(other, page);
        assert_eq!(other.joined(), page.joined(), "{lie:?} at {nibble}");
    }
    let mut promoted = page.clone();
    promoted.set(3, Branch::Node(page.branch(3).digest()));
    assert_ne!(promoted.joined(), page.joined(), "a leaf with nothing beside it has moved up; a node would not");
}

#[test]
fn a_page_fits_only_where_its_leaves_belong() {
    let grove = Grove::of_rows(500);
    for depth in 0..3 {
        let path = grove.leaves()[77].0;
        let own = place(&path, depth);
        let page = grove.page(&own);
        assert!(page.fits(&own), "depth {depth}");
        let beside = Prefix::new(own.nibbles().iter().map(|nibble| nibble ^ 1).collect()).unwrap();
        assert_eq!(page.fits(&beside), depth == 0, "the root has nothing beside it");
    }
    let mut moved = mixed_page();
    assert!(moved.fits(&Prefix::ROOT));
    moved.set(7, moved.branch(3));
    assert!(!moved.fits(&Prefix::ROOT), "a leaf behind another nibble");
}

#[test]
fn no_page_hangs_below_the_last_nibble() {
    let (path, zeroes) = (Path::from_bytes([0xab; 32]), Path::from_bytes([0; 32]));
    let lowest = place(&path, 63);
    let mut page = Page::default();
    page.set(path.nibble(63), leaf_branch((path, digest(1))));
    assert!(page.fits(&lowest));
    for end in [place(&path, 64), place(&zeroes, 64)] {
        assert!(!page.fits(&end));
        assert!(!Page::default().fits(&end));
        let mut first = Page::default();
        first.set(0, leaf_branch((zeroes, digest(1))));
        assert!(!first.fits(&end));
    }
}

#[test]
fn what_can_be_a_place() {
    assert_eq!(Prefix::new(Vec::new()), Some(Prefix::ROOT));
    assert!(Prefix::ROOT.is_empty() && Prefix::ROOT.is_valid());
    assert!(Prefix::new(vec![15; 64]).is_some());
    assert_eq!(Prefix::new(vec![15; 65]), None);
    assert_eq!(Prefix::new(vec![3, 16, 3]), None);
    assert_eq!(Prefix::new(vec![255]), None);
    // What comes over the wire need not be a place, and every method still answers.
    for nibbles in [vec![0_u8, 16], vec![255; 70], vec![7; 65]] {
        let bytes = postcard::to_allocvec(&nibbles).unwrap();
        let stray: Prefix = postcard::from_bytes(&bytes).unwrap();
        assert!(!stray.is_valid());
        assert_eq!(stray.nibbles(), nibbles);
        let _ = (stray.first(), stray.last(), stray.contains(&row(1).0), stray.to_string());
    }
    assert_eq!(Prefix::new(vec![0, 10, 15]).unwrap().to_string(), "0af*");
    assert!(!Prefix::new(vec![1; 64]).unwrap().child(1).is_valid());
}

#[test]
fn bits_and_nibbles_are_read_from_the_top() {
    let mut bytes = [0; 32];
    (bytes[0], bytes[31]) = (0x9a, 0x01);
    let path = Path::from_bytes(bytes);
    assert_eq!((path.nibble(0), path.nibble(1), path.nibble(2), path.nibble(63), path.nibble(64)), (9, 10, 0, 1, 0));
    let ones: Vec<usize> = (0..300).filter(|depth| path.bit(*depth)).collect();
    assert_eq!(ones, [0, 3, 4, 6, 255]);
    assert_eq!(path.common_bits(&path), 256);
}

/// The same leaves ascending and in any order.
fn arb_orders(most: usize) -> impl Strategy<Value = (Vec<Leaf>, Vec<Leaf>)> {
    arb_leaves(most).prop_flat_map(|leaves| (Just(leaves.clone()), Just(leaves).prop_shuffle()))
}

fn arb_prefix() -> impl Strategy<Value = Prefix> {
    let nibble = prop_oneof![0..16_u8, Just(0), Just(15)];
    let short = prop::collection::vec(nibble.clone(), 0..5);
    prop_oneof![short, prop::collection::vec(nibble, 60..=64)].prop_map(|nibbles| Prefix::new(nibbles).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_root_is_the_formulas_whatever_the_order((sorted, shuffled) in arb_orders(40)) {
        let root = Branch::over(&sorted, 0).digest();
        prop_assert_eq!(root.as_bytes(), &naive_root(&shuffled, 0));
        prop_assert_eq!(Grove::of(shuffled).root(), root);
    }

    /// Rows that came and went leave no trace: a page changed leaf by leaf is the page made at once.
    #[test]
    fn pages_have_no_history(stay in arb_leaves(20), gone in arb_leaves(20)) {
        let kept = Grove::of(stay.clone());
        let gone = Grove::of(gone.into_iter().filter(|(path, _)| stay.iter().all(|(other, _)| other != path)));
        let both = Grove::of(stay.iter().chain(gone.leaves()).copied());
        let mut page = both.page(&Prefix::ROOT);
        for (path, _) in gone.leaves() {
            let place = place(path, 1);
            page.set(path.nibble(0), Branch::over(kept.below(&place), 4));
        }
        prop_assert_eq!(&page, &kept.page(&Prefix::ROOT));
        prop_assert_eq!(page.joined().digest(), kept.root());
    }

    #[test]
    fn a_page_joins_to_what_hangs_in_its_place(leaves in arb_leaves(60), path in arb_path(), depth in 0..64_usize) {
        let grove = Grove::of(leaves);
        for place in [Prefix::ROOT, place(&path, depth)] {
            let page = grove.page(&place);
            prop_assert_eq!(page.joined(), Branch::over(grove.below(&place), place.len() * 4));
            prop_assert!(page.fits(&place));
        }
    }

    #[test]
    fn a_different_set_has_a_different_root(one in arb_leaves(8), other in arb_leaves(8), at in any::<prop::sample::Index>()) {
        prop_assert_eq!(Grove::of(one.clone()).root() == Grove::of(other.clone()).root(), one == other);
        if !one.is_empty() {
            let mut changed = one.clone();
            let at = at.index(one.len());
            changed[at].1 = value_digest(changed[at].1.as_bytes());
            prop_assert_ne!(Grove::of(changed.clone()).root(), Grove::of(one.clone()).root());
            changed.remove(at);
            prop_assert_ne!(Grove::of(changed).root(), Grove::of(one).root());
        }
    }

    #[test]
    fn a_place_holds_the_paths_from_its_first_to_its_last(place in arb_prefix(), path in arb_path()) {
        let (first, last) = (place.first(), place.last());
        prop_assert!(place.contains(&first) && place.contains(&last) && first <= last);
        prop_assert_eq!(place.contains(&path), (first..=last).contains(&path));
        prop_assert_eq!(place.len() == Path::NIBBLES, first == last);
        let along = grove::place(&path, place.len());
        prop_assert_eq!(place.contains(&path), along == place);
    }

    #[test]
    fn children_divide_their_place_in_order(place in arb_prefix().prop_filter("at the end", |place| place.len() < 64)) {
        let children: Vec<Prefix> = (0..16).map(|nibble| place.child(nibble)).collect();
        prop_assert_eq!((children[0].first(), children[15].last()), (place.first(), place.last()));
        prop_assert!(children.iter().all(|child| child.is_valid() && child > &place && child.len() == place.len() + 1));
        prop_assert!(children.is_sorted() && children.windows(2).all(|pair| pair[0].last() < pair[1].first()));
    }

    /// From left to right, and what is above before what is below it.
    #[test]
    fn places_sort_from_the_root_down(one in arb_prefix(), other in arb_prefix()) {
        let key = |place: &Prefix| (place.first(), place.len());
        prop_assert_eq!(one.cmp(&other), key(&one).cmp(&key(&other)));
    }
}
