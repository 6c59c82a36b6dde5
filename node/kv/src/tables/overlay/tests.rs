#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use proptest::prelude::*;
use tetrarch_storage::{Direction, Durability, MemoryStore, Reader, Store, StoreError, Table, WriteBatch};

use super::Overlay;

const TABLES: [Table; 2] = [Table::new("a"), Table::new("b")];

/// What is done within an attempt: changes, and attempts of their own, kept or not.
#[derive(Clone, Debug)]
enum Deed {
    Change(usize, u8, Option<u8>),
    Extend(usize, u8, u8),
    Attempt(Vec<Deed>, bool),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let change = (0_usize..2, 0_u8..6, prop::option::of(any::<u8>()));
    let extend = (0_usize..2, 0_u8..6, any::<u8>());
    let leaf = prop_oneof![
        change.prop_map(|(table, key, value)| Deed::Change(table, key, value)),
        extend.prop_map(|(table, key, more)| Deed::Extend(table, key, more)),
    ];
    let deed = leaf.prop_recursive(3, 60, 8, |inner| {
        (prop::collection::vec(inner, 0..8), any::<bool>()).prop_map(|(deeds, kept)| Deed::Attempt(deeds, kept))
    });
    prop::collection::vec(deed, 0..12)
}

fn carry_out(state: &mut Overlay<'_>, deeds: &[Deed]) {
    for deed in deeds {
        match deed {
            Deed::Change(table, key, Some(value)) => state.put(TABLES[*table], [*key], [*value]),
            Deed::Change(table, key, None) => state.delete(TABLES[*table], [*key]),
            Deed::Extend(table, key, more) => {
                let row = state.get(TABLES[*table], &[*key]).unwrap();
                assert_eq!(state.extend(TABLES[*table], &[*key], &[*more]), Ok(row.is_some()));
                let extended = row.map(|row| [row, vec![*more]].concat());
                assert_eq!(state.get(TABLES[*table], &[*key]), Ok(extended), "what is there grows");
            }
            Deed::Attempt(deeds, kept) => {
                let attempt = state.attempt();
                carry_out(state, deeds);
                if *kept { state.keep(attempt) } else { state.undo(attempt) }
            }
        }
    }
}

/// The changes that count, one after the other.
fn kept(deeds: &[Deed]) -> Vec<Deed> {
    let of = |deed: &Deed| match deed {
        Deed::Attempt(deeds, true) => kept(deeds),
        Deed::Attempt(_, false) => Vec::new(),
        change @ (Deed::Change(..) | Deed::Extend(..)) => vec![change.clone()],
    };
    deeds.iter().flat_map(of).collect()
}

proptest! {
    #[test]
    fn an_attempt_that_is_undone_leaves_nothing(deeds in deeds()) {
        let store = MemoryStore::new();
        let mut below = WriteBatch::new();
        TABLES.iter().for_each(|table| below.put(*table, [0], [7]));
        store.write(below, Durability::Buffered).unwrap();
        let (mut state, mut model) = (Overlay::new(&store, &TABLES), Overlay::new(&store, &TABLES));
        carry_out(&mut state, &deeds);
        carry_out(&mut model, &kept(&deeds));
        for table in TABLES {
            let rows = |overlay: &Overlay<'_>| overlay.scan(table, &[], &[], Direction::Ascending, usize::MAX).unwrap();
            prop_assert_eq!(rows(&state), rows(&model));
        }
        prop_assert!(state.replaced.is_empty());
        prop_assert_eq!(state.into_batch(), model.into_batch());
    }
}

#[test]
fn whoever_is_kept_within_tables_fails_outside_of_them() {
    let store = MemoryStore::new();
    let mut state = Overlay::new(&store, &TABLES);
    let [inside, outside] = TABLES;
    assert_eq!(state.within(&TABLES[..1], |state| state.put(inside, [1], [1])), Ok(()));
    state.put(outside, [1], [1]);
    let error = Err(StoreError::UnknownTable { table: "b" });
    assert_eq!(state.within(&TABLES[..1], |state| state.put(outside, [2], [2])), error);
    assert_eq!(state.into_batch().map(drop), error);
}
