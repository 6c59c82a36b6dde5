//! The stored tree against models: its root and its pages follow from the rows alone.

use crate::tree_support::{
    ALL, Changes, Rows, apply, change, changes, dump, everything, fill, folded, leaves, many, number, places,
    root_by_definition, root_of, rows_in, store_of,
};
use proptest::prelude::*;
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Prefix};
use tetrarch_kv::Overlay;
use tetrarch_kv::tree::{CHANGED, PAGES, PATHS, branch_at, changed_rows, root};
use tetrarch_storage::{MemoryStore, Reader};

proptest! {
    #[test]
    fn the_root_follows_from_the_rows_whatever_the_history(
        history in prop::collection::vec((changes(60, 30), any::<bool>()), 1..10),
    ) {
        let (store, mut rows) = (MemoryStore::new(), Rows::new());
        for (changes, is_checkpoint) in history {
            change(&store, &changes);
            apply(&mut rows, &changes);
            if is_checkpoint {
                let found = folded(&store);
                prop_assert_eq!(found, root_of(&rows));
                prop_assert_eq!(found, root(&store).unwrap());
                prop_assert_eq!(dump(&store, CHANGED), Vec::new());
            }
        }
        prop_assert_eq!(folded(&store), root_by_definition(&rows));
        prop_assert_eq!(&rows_in(&store), &rows);
        // Not only the root: not a byte tells of the history, but for a root's page over nothing.
        let anew = store_of(&rows);
        if !rows.is_empty() {
            prop_assert_eq!(everything(&store), everything(&anew));
        }
    }
}

#[test]
fn more_changes_than_one_list_or_one_go_of_a_fold_holds() {
    let (store, mut rows) = (MemoryStore::new(), many(70_000));
    change(&store, &rows.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect());
    // The later of two lists that speak of one row counts, whichever go it is in.
    let later: Changes = (0..70_000).step_by(7).map(|it| (number(it), (it % 2 == 0).then(|| vec![1, 2, 3]))).collect();
    for changes in later.chunks(100) {
        change(&store, &changes.to_vec());
    }
    apply(&mut rows, &later);
    assert_eq!(changed_rows(&store), Ok(70_000));
    assert_eq!(folded(&store), root_of(&rows));
    assert_eq!(changed_rows(&store), Ok(0));
    assert_eq!(everything(&store), everything(&store_of(&rows)));
}

#[test]
fn thousands_of_rows_come_and_go() {
    let store = MemoryStore::new();
    assert_eq!(root(&store).unwrap(), Digest::ZERO);
    assert_eq!(branch_at(&store, &Prefix::new(vec![1, 2, 3]).unwrap()).unwrap(), Branch::Empty);
    let mut rows = many(5_000);
    assert_eq!(fill(&store, &rows), root_by_definition(&rows));
    assert_eq!(dump(&store, PATHS).len(), rows.len());
    let orders: [fn(&u32) -> bool; 3] = [|it| it % 3 == 0, |it| it % 3 == 1, |it| it % 3 == 2 && it / 3 != 7];
    for gone in orders {
        let removed: Changes = (0..5_000).filter(gone).map(|it| (number(it), None)).collect();
        change(&store, &removed);
        apply(&mut rows, &removed);
        assert_eq!(folded(&store), root_by_definition(&rows));
        assert_eq!(everything(&store), everything(&store_of(&rows)));
    }
    // The tree has collapsed to the root's page, with one leaf.
    assert_eq!((rows.len(), dump(&store, PAGES).len(), dump(&store, PATHS).len()), (1, 1, 1));
    change(&store, &vec![(number(23), None)]);
    assert_eq!((folded(&store), dump(&store, PAGES).len(), dump(&store, PATHS).len()), (Digest::ZERO, 1, 0));
}

#[test]
fn a_page_stands_exactly_over_two_leaves_and_more() {
    let rows = many(3_000);
    let store = store_of(&rows);
    let leaves = leaves(&rows);
    let pages = places(&store);
    assert!(pages.iter().any(|place| place.len() >= 4), "the tree is deep enough to tell");
    for place in &pages {
        let below: Vec<_> = leaves.iter().copied().filter(|(path, _)| place.contains(path)).collect();
        assert!(below.len() >= 2);
        assert_eq!(branch_at(&store, place).unwrap(), Branch::over(&below, place.len() * 4));
        for child in (0..16).map(|nibble| place.child(nibble)) {
            let below: Vec<_> = leaves.iter().copied().filter(|(path, _)| child.contains(path)).collect();
            assert_eq!(branch_at(&store, &child).unwrap(), Branch::over(&below, child.len() * 4));
            assert_eq!(pages.contains(&child), below.len() >= 2);
            // Below a leaf, only the leaf's own way leads to it.
            if let [(path, _)] = below[..] {
                for deeper in (0..16).map(|nibble| child.child(nibble)) {
                    let expected = if deeper.contains(&path) { Branch::over(&below, 0) } else { Branch::Empty };
                    assert_eq!(branch_at(&store, &deeper).unwrap(), expected);
                }
            }
        }
    }
}

#[test]
fn only_touched_pages_are_written() {
    let store = store_of(&many(5_000));
    change(&store, &vec![(number(17), Some(b"changed".to_vec()))]);
    let mut state = Overlay::new(&store, &ALL);
    tetrarch_kv::tree::fold(&mut state).unwrap();
    let batch = state.into_batch().unwrap();
    let pages = batch.operations().iter().filter(|operation| operation.table() == PAGES).count();
    assert!((2..=6).contains(&pages), "{pages} pages for one row");
    // The list in `CHANGED` goes, and nothing is written to `PATHS`: the leaf is where it was.
    assert_eq!(batch.len(), pages + 1);
}

#[test]
fn a_row_that_came_and_went_between_two_folds_leaves_nothing() {
    let store = store_of(&many(10));
    let before = everything(&store);
    change(&store, &vec![(number(99), Some(vec![1]))]);
    change(&store, &vec![(number(99), None)]);
    folded(&store);
    assert_eq!(everything(&store), before);
    assert_eq!(
        store.get(PATHS, tetrarch_crypto::state_tree::Path::of("kv.events", &number(99).1).as_bytes()),
        Ok(None)
    );
}
