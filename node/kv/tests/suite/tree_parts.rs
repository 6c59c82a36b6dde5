//! Parts of a state: every honest one is what is due, no other one is, and replacing by them makes one state into another.

use crate::tree_support::{
    A, ALL, Changes, ROOTED, Rotten, Rows, apply, change, changes, everything, fill, folded, many, number, places,
    root_of, rows_in, store_of,
};
use proptest::prelude::*;
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Path, Prefix, value_digest};
use tetrarch_kv::Overlay;
use tetrarch_kv::tree::{RowChange, branch_at, is_due, part, parts, replace, root};
use tetrarch_storage::{Durability, MemoryStore, Reader, Store, StoreError};
use tetrarch_types::{StatePart, StateRow, decode, encode, limits};

fn due(reader: &dyn Reader, place: &Prefix) -> Digest {
    branch_at(reader, place).unwrap().digest()
}

fn install(store: &dyn Store, place: &Prefix, rows: &[StateRow]) -> Vec<RowChange> {
    let mut state = Overlay::new(store, &ALL);
    let changes = replace(&mut state, &ROOTED, place, rows).unwrap();
    store.write(state.into_batch().unwrap(), Durability::Buffered).unwrap();
    changes
}

/// Fetches what differs, from one who is honest; how many parts that took.
fn follow(ours: &dyn Store, theirs: &dyn Reader, place: &Prefix, due: Digest, rows_up_to: usize) -> usize {
    if branch_at(ours, place).unwrap().digest() == due {
        return 0;
    }
    let found = part(theirs, &ROOTED, place, rows_up_to).unwrap();
    assert!(is_due(place, &due, &found));
    match found {
        StatePart::Rows(rows) => {
            install(ours, place, &rows);
            1
        }
        StatePart::Page(page) => {
            let children = (0..16).map(|nibble| (place.child(nibble), page.branch(nibble)));
            1 + children.map(|(child, branch)| follow(ours, theirs, &child, branch.digest(), rows_up_to)).sum::<usize>()
        }
    }
}

proptest! {
    #[test]
    fn every_part_is_due_where_it_was_asked(changes in changes(200, 200), rows_up_to in 0_usize..3_000) {
        let mut rows = Rows::new();
        apply(&mut rows, &changes);
        let store = store_of(&rows);
        let mut asked = places(&store);
        asked.extend(places(&store).iter().flat_map(|place| (0..16).map(|nibble| place.child(nibble))));
        for (place, elsewhere) in asked.iter().zip(asked.iter().cycle().skip(rows_up_to)) {
            let part = part(&store, &ROOTED, place, rows_up_to).unwrap();
            prop_assert!(is_due(place, &due(&store, place), &part));
            if let StatePart::Rows(rows) = &part {
                prop_assert!(rows.len() <= 1 || rows.iter().map(StateRow::cost).sum::<usize>() <= rows_up_to);
            }
            let is_same = tetrarch_kv::tree::part(&store, &ROOTED, elsewhere, rows_up_to).unwrap() == part;
            prop_assert!(!is_due(elsewhere, &due(&store, elsewhere), &part) || is_same);
        }
    }

    #[test]
    fn replacing_what_differs_makes_one_state_into_another(
        (before, after) in (changes(150, 150), changes(150, 150)),
        rows_up_to in prop_oneof![Just(0_usize), 0_usize..2_000, Just(100_000)],
    ) {
        let (mut ours, mut theirs) = (many(100), many(100));
        apply(&mut ours, &before);
        apply(&mut theirs, &after);
        let (mine, other) = (store_of(&ours), store_of(&theirs));
        follow(&mine, &other, &Prefix::ROOT, root_of(&theirs), rows_up_to);
        prop_assert_eq!(root(&mine).unwrap(), root_of(&theirs));
        prop_assert_eq!(everything(&mine), everything(&other));
    }

    #[test]
    fn replacing_tells_what_changed(before in changes(60, 60), after in changes(60, 60)) {
        let (mut ours, mut theirs) = (Rows::new(), Rows::new());
        apply(&mut ours, &before);
        apply(&mut theirs, &after);
        let (mine, other) = (store_of(&ours), store_of(&theirs));
        // Not folded yet: replacing sees to that.
        let late: Changes = vec![(number(7), Some(b"late".to_vec())), (number(9), None)];
        change(&mine, &late);
        apply(&mut ours, &late);
        let StatePart::Rows(rows) = part(&other, &ROOTED, &Prefix::ROOT, usize::MAX).unwrap() else { unreachable!() };
        for RowChange { table, key, old, new } in install(&mine, &Prefix::ROOT, &rows) {
            prop_assert_ne!(&old, &new);
            let before = match new {
                Some(new) => ours.insert((table, key), new),
                None => ours.remove(&(table, key)),
            };
            prop_assert_eq!(before, old);
        }
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(rows_in(&mine), theirs);
    }
}

#[test]
fn no_bit_of_a_part_can_be_changed() {
    let store = store_of(&many(600));
    let under = Prefix::new(vec![5]).unwrap();
    for (place, rows_up_to) in [(Prefix::ROOT, 0), (under.clone(), 0), (under, 100_000)] {
        let (due, part) = (due(&store, &place), part(&store, &ROOTED, &place, rows_up_to).unwrap());
        let bytes = encode(&part);
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = decode::<StatePart>(&other, usize::MAX) {
                assert!(!is_due(&place, &due, &other), "bit {bit} of {part:?}");
            }
        }
    }
}

#[test]
fn rows_are_due_whole_and_in_order() {
    let store = store_of(&many(600));
    let place = Prefix::new(vec![5]).unwrap();
    let due = due(&store, &place);
    let StatePart::Rows(rows) = part(&store, &ROOTED, &place, usize::MAX).unwrap() else { unreachable!() };
    let judge = |rows: Vec<StateRow>| is_due(&place, &due, &StatePart::Rows(rows));
    assert!(judge(rows.clone()));
    for at in 0..rows.len() {
        let mut fewer = rows.clone();
        let row = fewer.remove(at);
        assert!(!judge(fewer.clone()));
        for back in [at.saturating_sub(1), at + 1] {
            let mut moved = fewer.clone();
            moved.insert(back.min(moved.len()), row.clone());
            assert_eq!(judge(moved.clone()), moved == rows);
        }
        let mut twice = rows.clone();
        twice.insert(at, row.clone());
        assert!(!judge(twice));
        let mut renamed = rows.clone();
        renamed[at].table.push('x');
        assert!(!judge(renamed));
    }
    // One more, that belongs elsewhere.
    let more = (0..).map(|it| StateRow { table: A.name().to_owned(), key: vec![9, it], value: vec![] });
    let stray = more.take(200).find(|row| !place.contains(&row.path())).unwrap();
    let mut with_stray = rows.clone();
    with_stray.push(stray);
    with_stray.sort_by_key(StateRow::path);
    assert!(!judge(with_stray));
    assert!(judge(rows.clone()));
    // A leaf alone has the same digest wherever it hangs.
    let (alone, elsewhere) = (StatePart::Rows(rows[..1].to_vec()), Prefix::ROOT.child(6));
    let leaf = Branch::Leaf { path: rows[0].path(), value: value_digest(&rows[0].value) }.digest();
    assert!(is_due(&place, &leaf, &alone) && !is_due(&elsewhere, &leaf, &alone));
    assert!(is_due(&place, &Digest::ZERO, &StatePart::Rows(vec![])));
}

#[test]
fn a_page_has_one_form() {
    let rows = many(40);
    let store = store_of(&rows);
    let due = root_of(&rows);
    let StatePart::Page(page) = part(&store, &ROOTED, &Prefix::ROOT, 0).unwrap() else { unreachable!() };
    assert!(is_due(&Prefix::ROOT, &due, &StatePart::Page(page.clone())));
    let deepest = Path::of("a", b"b");
    let bottom = Prefix::new((0..64).map(|depth| deepest.nibble(depth)).collect()).unwrap();
    assert!(!is_due(&bottom, &due, &StatePart::Page(page)));

    // A leaf alone has no page, and nothing is no node.
    let one = many(1);
    let leaf = branch_at(&store_of(&one), &Prefix::ROOT).unwrap();
    let Branch::Leaf { path, .. } = leaf else { unreachable!() };
    let mut alone = tetrarch_crypto::state_tree::Page::default();
    alone.set(path.nibble(0), leaf);
    assert_eq!(alone.joined(), leaf);
    assert!(!is_due(&Prefix::ROOT, &root_of(&one), &StatePart::Page(Box::new(alone.clone()))));
    let mut nodes = tetrarch_crypto::state_tree::Page::default();
    nodes.set(2, Branch::Node(Digest::from_bytes([7; 32])));
    assert!(is_due(&Prefix::ROOT, &nodes.joined().digest(), &StatePart::Page(Box::new(nodes.clone()))));
    nodes.set(3, Branch::Node(Digest::ZERO));
    assert!(!is_due(&Prefix::ROOT, &nodes.joined().digest(), &StatePart::Page(Box::new(nodes))));
}

#[test]
fn a_supply_is_bounded_and_never_empty() {
    let mut rows = many(50);
    rows.insert((A, b"huge".to_vec()), vec![1; limits::MAX_STATE_BYTES + 5]);
    (0..8).for_each(|it| drop(rows.insert((A, vec![b'l', it]), vec![it; 200_000])));
    let store = store_of(&rows);
    let huge = Path::of(A.name(), b"huge");
    let at_huge = Prefix::new((0..6).map(|depth| huge.nibble(depth)).collect()).unwrap();
    let asked: Vec<Prefix> = (0..16).map(|nibble| Prefix::ROOT.child(nibble)).collect();

    let alone = parts(&store, &ROOTED, &[vec![at_huge], asked.clone()].concat(), 10).unwrap();
    assert!(matches!(&alone[..], [(_, StatePart::Rows(rows))] if rows.len() == 1));
    let some = parts(&store, &ROOTED, &asked, usize::MAX).unwrap();
    assert!(!some.is_empty() && some.len() < asked.len());
    assert!(encode(&some).len() <= limits::MAX_STATE_BYTES.max(encode(&some[..1]).len()));
    assert_eq!(parts(&store, &ROOTED, &[], 10).unwrap(), vec![]);
    let pages = vec![Prefix::ROOT; limits::MAX_STATE_PARTS + 20];
    assert_eq!(parts(&store, &ROOTED, &pages, 10).unwrap().len(), limits::MAX_STATE_PARTS);
}

#[test]
fn rows_that_cannot_be_read_are_overwritten() {
    let rows = many(300);
    let mut ours = Rotten { store: store_of(&rows), ..Rotten::default() };
    ours.rotten.extend([number(3), number(4)]);
    let mut wanted = rows.clone();
    wanted.insert(number(3), b"anew".to_vec());
    wanted.remove(&number(4));
    let theirs = store_of(&wanted);
    let mut told = Vec::new();
    for place in (0..16).map(|nibble| Prefix::ROOT.child(nibble)) {
        let StatePart::Rows(rows) = part(&theirs, &ROOTED, &place, usize::MAX).unwrap() else { unreachable!() };
        told.extend(install(&ours, &place, &rows));
    }
    told.sort_by(|one, other| one.key.cmp(&other.key));
    let anew = |number: (tetrarch_storage::Table, Vec<u8>), new: Option<&[u8]>| RowChange {
        table: number.0,
        key: number.1,
        old: None,
        new: new.map(<[u8]>::to_vec),
    };
    assert_eq!(told, vec![anew(number(3), Some(b"anew")), anew(number(4), None)]);
    assert_eq!(everything(&ours.store), everything(&theirs));
}

#[test]
fn rows_that_do_not_belong_are_refused() {
    let store = MemoryStore::new();
    fill(&store, &many(20));
    let row = |table: &str| StateRow { table: table.to_owned(), key: b"key".to_vec(), value: vec![] };
    let place = Prefix::new(vec![row(A.name()).path().nibble(0) ^ 1]).unwrap();
    for (place, row) in [(Prefix::ROOT, row("unknown")), (place, row(A.name()))] {
        let mut state = Overlay::new(&store, &ALL);
        let refused = replace(&mut state, &ROOTED, &place, std::slice::from_ref(&row));
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{row:?}");
    }
    assert_eq!(folded(&store), root_of(&many(20)));
}

#[test]
fn one_place_far_down_is_replaced_and_taken_away_again() {
    let store = store_of(&many(2));
    let before = everything(&store);
    let row = StateRow { table: A.name().to_owned(), key: b"far".to_vec(), value: b"down".to_vec() };
    let path = row.path();
    let place = Prefix::new((0..40).map(|depth| path.nibble(depth)).collect()).unwrap();
    install(&store, &place, std::slice::from_ref(&row));
    let mut rows = many(2);
    rows.insert((A, row.key.clone()), row.value.clone());
    assert_eq!(everything(&store), everything(&store_of(&rows)));
    install(&store, &place, &[]);
    assert_eq!(everything(&store), before);
}
