//! Proofs that a row is in the state or is not: honest ones hold, and nothing else holds.

use std::collections::BTreeSet;
use std::convert::Infallible;

use crate::grove::{Grove, Parts, arb_leaves, arb_path, assembled, branching_off, parts, place, row};
use proptest::prelude::*;
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, ProofError, TreeProof, value_digest};

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

/// The row's value in a set of leaves, by looking.
fn looked_up(leaves: &[Leaf], path: &Path) -> Option<Digest> {
    leaves.iter().find(|(at, _)| at == path).map(|(_, value)| *value)
}

/// A third of the rows looked for in a tree of `count` are absent.
fn asked(count: usize) -> impl Iterator<Item = usize> {
    (0..count + count / 2 + 4).step_by(1 + count / 200)
}

#[test]
fn present_and_absent_rows_are_proven() {
    for count in [0, 1, 2, 17, 1_000, 5_000] {
        let grove = Grove::of_rows(count);
        let root = grove.root();
        for number in asked(count) {
            let (path, value) = row(number);
            let expected = (number < count).then_some(value);
            assert_eq!(grove.proof(&path).verify(&root, &path), Ok(expected), "row {number} of {count}");
        }
    }
}

#[test]
fn the_empty_tree_proves_every_absence_and_nothing_else() {
    let (path, value) = row(1);
    let empty = TreeProof::default();
    assert_eq!(Grove::of([]).proof(&path), empty);
    assert_eq!(empty.verify(&Digest::ZERO, &path), Ok(None));
    assert_eq!(assembled(&(Vec::new(), Some((path, value)))).verify(&Digest::ZERO, &path), Err(ProofError::WrongRoot));
    assert_eq!(empty.verify(&Grove::of_rows(1).root(), &path), Err(ProofError::WrongRoot));
}

/// One leaf in the tree: whoever asks for another row is shown it, and sees that nothing else is there.
#[test]
fn a_single_leaf_shows_the_absence_of_all_others() {
    let grove = Grove::of_rows(1);
    for number in 1..50 {
        let path = row(number).0;
        assert_eq!(parts(&grove.proof(&path)), (Vec::new(), Some(row(0))));
        assert_eq!(grove.proof(&path).verify(&grove.root(), &path), Ok(None));
    }
}

#[test]
fn rows_that_part_late_are_told_apart() {
    let trunk = Path::from_bytes([0xa7; 32]);
    for bits in 1..Path::BITS {
        let twin = branching_off(&trunk, bits);
        let grove = Grove::of([(trunk, digest(1)), (twin, digest(2)), (branching_off(&trunk, 0), digest(3))]);
        let root = grove.root();
        for (path, value) in grove.leaves() {
            assert_eq!(grove.proof(path).verify(&root, path), Ok(Some(*value)), "{bits} bits");
        }
        assert_eq!(parts(&grove.proof(&trunk)).0.len(), bits + 1);
        for other in (1..Path::BITS).filter(|other| other % 37 == 0 || other.abs_diff(bits) <= 1) {
            let path = branching_off(&trunk, other);
            let expected = looked_up(grove.leaves(), &path);
            assert_eq!(grove.proof(&path).verify(&root, &path), Ok(expected), "{other} beside {bits} bits");
        }
    }
}

#[test]
fn the_longest_way_has_a_neighbour_for_each_bit() {
    let one = Path::from_bytes([0xff; 32]);
    let other = branching_off(&one, 255);
    let grove = Grove::of([(one, digest(1)), (other, digest(2))]);
    let root = grove.root();
    let longest = parts(&grove.proof(&one));
    assert_eq!(longest.0.len(), Path::BITS);
    let mut longer = longest.clone();
    longer.0.push(digest(9));
    assert_eq!(assembled(&longer).verify(&root, &one), Err(ProofError::Form));
    let endless: Parts = (vec![digest(9); 100_000], longest.1);
    assert_eq!(assembled(&endless).verify(&root, &one), Err(ProofError::Form));
}

/// A page at 64 nibbles does not exist, and a pager that never ends is not followed for ever.
#[test]
fn building_ends_whatever_the_pager_says() {
    let full = Page([Branch::Node(digest(1)); 16]);
    let mut asked = 0;
    let proof = TreeProof::build(&row(1).0, |depth| {
        assert_eq!(depth, asked);
        asked += 1;
        Ok::<_, Infallible>(full.clone())
    });
    assert_eq!(asked, Path::NIBBLES);
    assert_eq!(proof.unwrap().verify(&full.joined().digest(), &row(1).0), Err(ProofError::WrongRoot));
    assert_eq!(TreeProof::build(&row(1).0, |_| Err("the disk")), Err("the disk"));
}

#[test]
fn only_the_pages_on_the_way_are_asked_for() {
    let grove = Grove::of_rows(1_000);
    for at in (0..1_000).step_by(83) {
        let path = grove.leaves()[at].0;
        let mut deepest = 0;
        let page = |depth| {
            deepest = depth;
            Ok::<_, Infallible>(grove.page(&place(&path, depth)))
        };
        assert_eq!(TreeProof::build(&path, page), Ok(grove.proof(&path)));
        assert_eq!(deepest, (grove.height(at) - 1) / 4, "leaf {at}");
    }
}

/// The proof with one thing about it changed, in every way there is.
fn altered(honest: &Parts, strangers: &[Leaf]) -> Vec<Parts> {
    let (siblings, end) = honest;
    let with = |change: &dyn Fn(&mut Vec<Digest>)| {
        let mut siblings = siblings.clone();
        change(&mut siblings);
        (siblings, *end)
    };
    let mut all = vec![with(&|it| it.push(Digest::ZERO)), with(&|it| it.push(digest(9))), with(&|it| it.reverse())];
    for at in 0..siblings.len() {
        for byte in [0, 13, 31] {
            let mut bytes = *siblings[at].as_bytes();
            bytes[byte] ^= 1;
            all.push(with(&|it| it[at] = Digest::from_bytes(bytes)));
        }
        all.push(with(&|it| it[at] = Digest::ZERO));
        all.push(with(&|it| it.retain(|sibling| *sibling != siblings[at])));
        all.push(with(&|it| it.truncate(at)));
        all.push(with(&|it| it.insert(at, Digest::ZERO)));
        all.push(with(&|it| it.insert(at, it[at])));
        all.push(with(&|it| it.swap(0, at)));
    }
    let ends = strangers.iter().copied().map(Some).chain([None]);
    all.extend(ends.map(|end| (siblings.clone(), end)));
    all
}

/// A row's proof, changed: refused, or it is the honest one.
fn only_the_honest_proof_holds(grove: &Grove, path: &Path) {
    let (root, honest) = (grove.root(), parts(&grove.proof(path)));
    let truth = looked_up(grove.leaves(), path);
    let mut strangers: Vec<Leaf> = grove.leaves().iter().take(8).copied().collect();
    strangers.extend([(*path, digest(0)), (*path, digest(9)), (*path, value_digest(b""))]);
    strangers.extend(grove.leaves().first().map(|(_, value)| (*path, *value)));
    strangers.extend(honest.1.map(|(path, _)| (path, digest(7))));
    for changed in altered(&honest, &strangers).into_iter().filter(|changed| *changed != honest) {
        let verdict = assembled(&changed).verify(&root, path);
        assert!(verdict.is_err(), "{path:?}: {truth:?}, but {changed:?} shows {verdict:?}");
    }
    for byte in 0..32 {
        let mut bytes = *root.as_bytes();
        bytes[byte] ^= 0x40;
        let verdict = assembled(&honest).verify(&Digest::from_bytes(bytes), path);
        assert_eq!(verdict, Err(ProofError::WrongRoot));
    }
}

#[test]
fn every_altered_proof_is_refused() {
    for count in [0, 1, 2, 3, 17, 1_000] {
        let grove = Grove::of_rows(count);
        for number in asked(count).step_by(1 + count / 20) {
            only_the_honest_proof_holds(&grove, &row(number).0);
        }
    }
}

#[test]
fn a_zero_at_the_end_is_never_taken() {
    let grove = Grove::of_rows(3);
    let mut lengthened = parts(&grove.proof(&row(0).0));
    lengthened.0.push(Digest::ZERO);
    // Even where the root is made to match: a leaf under a node of its own would be a second shape of the same set.
    let (path, value) = row(0);
    let leaf = Branch::Leaf { path, value }.digest();
    let (left, right) = if path.bit(0) { (Digest::ZERO, leaf) } else { (leaf, Digest::ZERO) };
    let second_shape = Branch::join(Branch::Node(left), Branch::Node(right)).digest();
    assert_eq!(assembled(&lengthened).verify(&grove.root(), &path), Err(ProofError::Form));
    let lowered: Parts = (vec![Digest::ZERO], Some((path, value)));
    assert_eq!(assembled(&lowered).verify(&second_shape, &path), Err(ProofError::Form));
}

/// Even under a root that was made for it: the leaf at the end shares every bit of the way, down to the last.
#[test]
fn a_leaf_out_of_place_is_astray() {
    let path = Path::from_bytes([0; 32]);
    for depth in 1..20 {
        for shared in 0..40 {
            let (stray, value) = (branching_off(&path, shared), digest(1));
            let leaf = Branch::Leaf { path: stray, value };
            let top = (0..depth)
                .fold(leaf.digest(), |below, _| Branch::join(Branch::Node(below), Branch::Node(digest(7))).digest());
            let proof = assembled(&(vec![digest(7); depth], Some((stray, value))));
            let expected = if shared < depth { Err(ProofError::Astray) } else { Ok(None) };
            assert_eq!(proof.verify(&top, &path), expected, "{shared} bits shared on a way of {depth}");
        }
    }
}

#[test]
fn a_proof_is_of_one_path() {
    let grove = Grove::of_rows(1_000);
    let root = grove.root();
    for number in 0..20 {
        let proof = grove.proof(&row(number).0);
        for other in (20..1_000).step_by(7) {
            let verdict = proof.verify(&root, &row(other).0);
            assert!(verdict.is_err(), "{other} is there, but {number}'s proof shows {verdict:?}");
        }
    }
}

/// All ways down a tree that can be put together of what stands in it: whatever leads to the root says the truth.
#[test]
fn no_combination_of_what_the_tree_holds_shows_two_values() {
    let paths = [0x00, 0x20, 0x60, 0xc0].map(|byte| Path::from_bytes([byte; 32]));
    let grove = Grove::of(paths.iter().zip(1..).map(|(path, value)| (*path, digest(value))));
    let root = grove.root();
    let absent = [0x10, 0x30, 0x70, 0x80, 0xff].map(|byte| Path::from_bytes([byte; 32]));
    let asked: Vec<Path> = paths.into_iter().chain(absent).collect();
    let mut digests = BTreeSet::from([Digest::ZERO, root, digest(1), Digest::from_bytes([0x20; 32])]);
    for path in &asked {
        let (siblings, end) = parts(&grove.proof(path));
        digests.extend(siblings);
        digests.extend(end.map(|(path, value)| Branch::Leaf { path, value }.digest()));
    }
    let digests: Vec<Digest> = digests.into_iter().collect();
    let values = [digest(1), digest(2), digest(3), digest(4), root, Digest::ZERO];
    let mut ends: Vec<Option<Leaf>> = vec![None];
    ends.extend(asked.iter().flat_map(|path| values.map(|value| Some((*path, value)))));
    let ways = ways_down(&digests, 3);
    for path in &asked {
        let truth = looked_up(grove.leaves(), path);
        let mut holding = 0;
        for end in &ends {
            for way in &ways {
                if let Ok(shown) = assembled(&(way.clone(), *end)).verify(&root, path) {
                    assert_eq!(shown, truth, "{path:?} by {way:?} and {end:?}");
                    holding += 1;
                }
            }
        }
        assert_eq!(holding, 1, "a row has one proof");
    }
}

/// Every list of up to `most` of these digests.
fn ways_down(digests: &[Digest], most: usize) -> Vec<Vec<Digest>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..most {
        let to = all.len();
        for at in from..to {
            for digest in digests {
                let mut longer = all[at].clone();
                longer.push(*digest);
                all.push(longer);
            }
        }
        from = to;
    }
    all
}

#[test]
fn proofs_of_large_states_stay_small() {
    for (count, typical) in [(1_000, 600), (10_000, 700), (100_000, 800)] {
        let grove = Grove::of_rows(count);
        let deepest = (0..count).max_by_key(|at| grove.height(*at)).unwrap();
        let root = grove.root();
        let size = |at: usize| {
            let path = grove.leaves()[at].0;
            let proof = grove.proof(&path);
            assert_eq!(parts(&proof).0.len(), grove.height(at));
            assert_eq!(proof.verify(&root, &path), Ok(Some(grove.leaves()[at].1)));
            postcard::to_allocvec(&proof).unwrap().len()
        };
        assert!(size(deepest) < 2_048, "{count} rows: {} bytes", size(deepest));
        let sizes: Vec<usize> = (0..100).map(|step| size(step * count / 100)).collect();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!(mean < typical, "{count} rows: {mean} bytes");
    }
}

#[test]
fn a_proof_travels_unchanged() {
    let grove = Grove::of_rows(17);
    for number in 0..20 {
        let proof = grove.proof(&row(number).0);
        let bytes = postcard::to_allocvec(&proof).unwrap();
        let (siblings, end) = parts(&proof);
        assert_eq!(bytes.len(), 1 + 32 * siblings.len() + 1 + end.map_or(0, |_| 64));
        assert_eq!(postcard::from_bytes::<TreeProof>(&bytes).unwrap(), proof);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn crowded_trees_prove_what_they_hold(leaves in arb_leaves(30), others in prop::collection::vec(arb_path(), 1..20)) {
        let grove = Grove::of(leaves.clone());
        let root = grove.root();
        for path in leaves.iter().map(|(path, _)| path).chain(&others) {
            prop_assert_eq!(grove.proof(path).verify(&root, path), Ok(looked_up(&leaves, path)));
        }
    }

    /// A proof of the state before some row changed says nothing of the state after it.
    #[test]
    fn an_old_proof_does_not_hold_for_a_new_state(
        leaves in arb_leaves(20), at in any::<prop::sample::Index>(), path in arb_path(),
    ) {
        prop_assume!(!leaves.is_empty());
        let mut changed = leaves.clone();
        let at = at.index(leaves.len());
        changed[at].1 = value_digest(changed[at].1.as_bytes());
        let (before, after) = (Grove::of(leaves.clone()), Grove::of(changed));
        for path in [leaves[at].0, path] {
            prop_assert_eq!(before.proof(&path).verify(&after.root(), &path), Err(ProofError::WrongRoot));
        }
    }
}
