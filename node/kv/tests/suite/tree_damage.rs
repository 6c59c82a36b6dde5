//! Damage: every kind is found and named, nothing else is, and building anew mends the tree.

use crate::tree_support::{
    self, A, ALL, B, Changes, ROOTED, Rotten, apply, change, changes, dump, everything, fill, many, number, root_of,
    store_of,
};
use proptest::prelude::*;
use tetrarch_crypto::state_tree::Path;
use tetrarch_kv::Overlay;
use tetrarch_kv::tree::{CHANGED, Damage, DamageKind, PAGES, PATHS, TABLES, check, fold, rebuild, root};
use tetrarch_storage::{Durability, FaultyStore, MemoryStore, Reader, Store, Table, WriteBatch};

fn damage(reader: &dyn Reader) -> Vec<Damage> {
    let mut found = Vec::new();
    check(reader, &ROOTED, &mut |damage| found.push(damage)).unwrap();
    found
}

/// What is wrong, without the words of the store.
fn named(reader: &dyn Reader) -> Vec<(Table, Vec<u8>, &'static str)> {
    let named = damage(reader).into_iter().map(|damage| {
        assert!(damage.to_string().contains(damage.table.name()));
        let kind = match damage.kind {
            DamageKind::Unreadable(_) => "unreadable",
            DamageKind::Differs => "differs",
            DamageKind::Missing => "missing",
            DamageKind::Extra => "extra",
        };
        (damage.table, damage.keys.unwrap().0, kind)
    });
    named.collect()
}

fn write(store: &dyn Store, table: Table, key: &[u8], value: Option<&[u8]>) {
    let mut batch = WriteBatch::new();
    match value {
        Some(value) => batch.put(table, key, value),
        None => batch.delete(table, key),
    }
    store.write(batch, Durability::Buffered).unwrap();
}

proptest! {
    #[test]
    fn nothing_is_found_in_a_sound_state(folded in changes(300, 300), since in changes(300, 100)) {
        let (store, mut rows) = (MemoryStore::new(), many(0));
        prop_assert_eq!(damage(&store), vec![]);
        apply(&mut rows, &folded);
        fill(&store, &rows);
        prop_assert_eq!(damage(&store), vec![]);
        // What changed since is known to be newer than the leaves.
        change(&store, &since);
        prop_assert_eq!(damage(&store), vec![]);
    }

    #[test]
    fn any_flipped_bit_is_found(which in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), late in any::<bool>()) {
        let store = FaultyStore::new();
        fill(&store, &many(400));
        if late {
            change(&store, &(380..420).map(|it| (number(it), Some(vec![7; 9]))).collect());
        }
        let tables = ALL.iter().flat_map(|table| dump(&store, *table).into_iter().map(|row| (*table, row)));
        let values: Vec<_> = tables.filter(|(_, (_, value))| !value.is_empty()).collect();
        let (table, (key, value)) = which.get(&values);
        prop_assert!(store.corrupt(*table, key, byte.index(value.len())));
        let found = named(&store);
        prop_assert!(!found.is_empty());
        if ROOTED.contains(table) {
            let name = (*table, key.clone(), "differs");
            prop_assert_eq!(found, vec![name]);
        }
        // What can be read is what the tree is built from, whatever was wrong with it.
        rebuild(&store, &ROOTED, &mut |lost| panic!("{lost}")).unwrap();
        prop_assert_eq!(damage(&store), vec![]);
        let rows = tree_support::rows_in(&store);
        prop_assert_eq!(root(&store).unwrap(), root_of(&rows));
        prop_assert_eq!(everything(&store), everything(&store_of(&rows)));
    }
}

#[test]
fn each_kind_of_damage_is_named() {
    let rows = many(600);
    let path = Path::of(number(8).0.name(), &number(8).1).as_bytes().to_vec();
    let page = vec![3];
    let stray = Path::of("kv.records", b"stray").as_bytes().to_vec();
    type Deed<'d> = (Table, &'d [u8], Option<&'d [u8]>, &'static str);
    let eight = number(8).1;
    let deeds: [Deed<'_>; 11] = [
        (A, &eight, None, "missing"),
        (A, &eight, Some(b"other"), "differs"),
        (A, b"stray", Some(b"value"), "extra"),
        (B, &[], Some(b"value"), "extra"),
        (PATHS, &path, None, "missing"),
        (PATHS, &path, Some(b"\xff"), "unreadable"),
        (PATHS, &stray, Some(b"\x01a\x00"), "extra"),
        (PATHS, b"short", Some(b""), "extra"),
        (PAGES, &page, None, "missing"),
        (PAGES, &page, Some(b"\xff"), "unreadable"),
        (PAGES, &[1, 2, 3, 4, 5, 6, 7], Some(b""), "extra"),
    ];
    for (table, key, value, kind) in deeds {
        let store = store_of(&rows);
        write(&store, table, key, value);
        assert_eq!(named(&store), vec![(table, key.to_vec(), kind)]);
    }
    for (key, kind) in [(vec![], "missing"), (vec![3], "differs")] {
        let store = store_of(&rows);
        let other = store_of(&many(601));
        let value = if key.is_empty() { None } else { other.get(PAGES, &[4]).unwrap() };
        write(&store, PAGES, &key, value.as_deref());
        assert_eq!(named(&store), vec![(PAGES, key, kind)]);
    }
}

#[test]
fn rows_and_pages_that_cannot_be_read_are_named_once() {
    for (table, key) in [
        number(8),
        (PAGES, vec![]),
        (PAGES, vec![3]),
        (PATHS, Path::of(number(8).0.name(), &number(8).1).as_bytes().to_vec()),
        (CHANGED, vec![0; 12]),
    ] {
        let mut store = Rotten { store: store_of(&many(600)), ..Rotten::default() };
        change(&store.store, &vec![(number(9), Some(b"new".to_vec()))]);
        store.rotten.insert((table, key.clone()));
        let found = damage(&store);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(matches!(&found[0].kind, DamageKind::Unreadable(reason) if reason.contains("checksum")));
        assert_eq!(found[0].table, table);
    }
    // Nothing leads to these, so no key is known: a stretch is.
    let mut store = Rotten { store: store_of(&many(600)), ..Rotten::default() };
    let stray = b"\x00\x00\x01\x00stray".to_vec();
    write(&store.store, A, &stray, Some(b""));
    store.rotten.insert((A, stray.clone()));
    let found = damage(&store);
    let [Damage { table: A, keys: Some((from, to)), .. }] = &found[..] else { panic!("{found:?}") };
    assert!(*from <= stray && (to.is_empty() || stray < *to));
}

#[test]
fn rows_that_differ_are_not_told_where_a_list_of_changes_is_damaged() {
    let mut store = Rotten { store: store_of(&many(600)), ..Rotten::default() };
    let fresh = number(700);
    change(&store.store, &vec![(number(9), Some(b"new".to_vec())), (fresh, Some(b"new".to_vec())), (number(11), None)]);
    change(&store.store, &vec![(number(12), Some(b"newer".to_vec()))]);
    write(&store.store, CHANGED, &[0; 12], Some(b"\xff"));
    assert_eq!(named(&store), vec![(CHANGED, vec![0; 12], "unreadable")]);
    // What cannot be read is told all the same.
    store.rotten.insert(number(13));
    assert_eq!(named(&store).len(), 2);
    write(&store.store, CHANGED, b"short", Some(b""));
    assert_eq!(named(&store).len(), 3);
}

#[test]
fn building_anew_takes_what_can_be_read() {
    let rows = many(9_000);
    let mut store = Rotten { store: store_of(&rows), ..Rotten::default() };
    let gone = [number(0), number(700), number(703), number(8_998), number(8_999)];
    store.rotten.extend(gone.clone());
    let mut left = rows;
    gone.iter().for_each(|key| drop(left.remove(key)));
    let mut lost = Vec::new();
    let root = rebuild(&store, &ROOTED, &mut |damage| lost.push(damage)).unwrap();
    assert_eq!(root, root_of(&left));
    // They are not in the way of what is fetched later.
    assert_eq!(everything(&store.store), everything(&store_of(&left)));
    for (table, key) in &gone {
        let is_named = |damage: &Damage| {
            let (from, to) = damage.keys.as_ref().unwrap();
            damage.table == *table && from <= key && (to.is_empty() || key < to)
        };
        assert_eq!(lost.iter().filter(|damage| is_named(damage)).count(), 1);
    }
    assert_eq!(lost.len(), gone.len());
}

#[test]
fn building_anew_goes_on_after_a_crash() {
    let rows = many(36_000);
    for fails_at in 0..5 {
        let store = FaultyStore::new();
        fill(&store, &rows);
        let changes: Changes = (0..50).map(|it| (number(it), None)).collect();
        change(&store, &changes);
        store.fail_write_at(fails_at, tetrarch_storage::FailureKind::Io);
        rebuild(&store, &ROOTED, &mut |_| {}).unwrap_err();
        store.crash(|unsynced| unsynced);
        let mut left = rows.clone();
        apply(&mut left, &changes);
        assert_eq!(rebuild(&store, &ROOTED, &mut |_| {}), Ok(root_of(&left)));
        assert_eq!(everything(&store), everything(&store_of(&left)));
    }
}

#[test]
fn a_broken_tree_is_not_folded() {
    let store = store_of(&many(600));
    write(&store, PAGES, &[3], None);
    let changes: Changes = (0..100).map(|it| (number(it), None)).collect();
    change(&store, &changes);
    let mut state = Overlay::new(&store, &TABLES);
    assert!(fold(&mut state).unwrap_err().to_string().contains("3*"));
}
