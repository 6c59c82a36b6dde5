//! A journal that begins anew after its records were lost, whatever is left of them and wherever the power fails.

use crate::support;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::tempdir;
use tetrarch_storage::{
    Beside, Durability, Entry, FailureKind, FaultyStore, HighWaterMark, JOURNAL, Journal, JournalError, Mark, MarkFile,
    Marked, MemoryMark, Reader, RocksStore, Store, StoreError, WriteBatch,
};

struct Scene {
    store: Arc<FaultyStore>,
    mark: MemoryMark,
}

/// One that was made ready, and on which nothing ever ran.
impl Default for Scene {
    fn default() -> Self {
        Self { store: Arc::default(), mark: MemoryMark::at_origin() }
    }
}

impl Scene {
    /// Entries `1..=count`, the last appended by itself, of which those below `first` are forgotten.
    fn with(count: u8, first: u64) -> Self {
        let scene = Self::default();
        let mut journal = scene.open().unwrap().0;
        journal.append((1..count).map(|index| vec![index]).collect()).unwrap();
        journal.append(vec![vec![count]]).unwrap();
        journal.truncate_before(first).unwrap();
        scene.store.write(WriteBatch::new(), Durability::Synced).unwrap();
        scene
    }

    fn open(&self) -> Result<(Journal<Arc<FaultyStore>>, Vec<Entry>), JournalError> {
        Journal::open(Arc::clone(&self.store), Box::new(self.mark.clone()))
    }

    fn start_over(&self) -> Result<Journal<Arc<FaultyStore>>, JournalError> {
        Journal::start_over(Arc::clone(&self.store), Box::new(self.mark.clone()), &[])
    }

    fn write(&self, fill: impl FnOnce(&mut WriteBatch)) {
        let mut batch = WriteBatch::new();
        fill(&mut batch);
        self.store.write(batch, Durability::Synced).unwrap();
    }

    /// It works, and what it writes is there after the next crash.
    fn works_again(&self, above: u64) {
        let held = self.mark.image();
        let mut journal = self.start_over().unwrap();
        let first = journal.next();
        assert!(first > above + 1, "{first}");
        assert_eq!(journal.first(), first);
        assert!(self.mark.image().unwrap().mark.index > held.map_or(0, |held| held.mark.index));
        self.store.crash(|_| 0);
        assert_eq!(self.open().unwrap().1, []);
        assert_eq!(journal.append(vec![vec![7]]).unwrap(), first);
        self.store.crash(|_| 0);
        let (mut journal, entries) = self.open().unwrap();
        assert_eq!(entries, [Entry { index: first, payload: vec![7] }]);
        journal.truncate_before(first + 1).unwrap();
        assert_eq!(self.open().unwrap().1, []);
    }
}

fn key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

#[test]
fn it_goes_on_behind_what_there_was() {
    for (count, first) in [(5, 1), (5, 3), (5, 6), (200, 1)] {
        let scene = Scene::with(count, first);
        scene.works_again(count.into());
        assert!(scene.store.get(JOURNAL, &key(count.into())).unwrap().is_none());
    }
}

#[test]
fn an_empty_table_and_an_unset_mark_are_enough() {
    let scene = Scene::default();
    scene.mark.clear();
    assert_eq!(scene.open().err(), Some(JournalError::MarkMissing { have: 0 }));
    scene.works_again(0);
}

#[test]
fn whatever_is_wrong_with_the_rows() {
    let damages: [&dyn Fn(&Scene); 9] = [
        &|scene| scene.write(|batch| batch.delete(JOURNAL, key(4))),
        &|scene| scene.write(|batch| batch.delete_range(JOURNAL, key(4), key(6))),
        &|scene| scene.write(|batch| batch.put(JOURNAL, b"foreign", "")),
        &|scene| scene.write(|batch| batch.put(JOURNAL, [0xff; 9], "")),
        &|scene| scene.write(|batch| batch.put(JOURNAL, key(u64::MAX), "")),
        &|scene| scene.write(|batch| batch.put(JOURNAL, key(0), "short")),
        &|scene| scene.write(|batch| batch.put(JOURNAL, key(0), [0xff; 40])),
        &|scene| scene.write(|batch| batch.delete_range(JOURNAL, key(0), [0xff; 99])),
        &|scene| assert!(scene.store.corrupt(JOURNAL, &key(4), 32)),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let scene = Scene::with(5, 3);
        damage(&scene);
        assert!(scene.open().is_err(), "{number}");
        scene.works_again(5);
        assert!(scene.mark.image().unwrap().mark.index < 1000, "{number}: nothing absurd is believed");
    }
}

#[test]
fn rows_that_cannot_be_read_are_no_hindrance() {
    for rotten in 0..1 << 4 {
        let scene = Scene::with(5, 3);
        scene.mark.clear();
        for (bit, index) in [0, 3, 4, 5].into_iter().enumerate() {
            if rotten & 1 << bit != 0 {
                assert!(scene.store.rot(JOURNAL, &key(index)));
            }
        }
        assert!(scene.open().is_err());
        scene.works_again(5);
    }
}

#[test]
fn without_a_mark_the_rows_say_how_far_it_went() {
    let scene = Scene::with(9, 4);
    scene.mark.clear();
    assert_eq!(scene.open().err(), Some(JournalError::MarkMissing { have: 9 }));
    scene.works_again(9);
}

#[test]
fn without_rows_the_mark_says_how_far_it_went() {
    let scene = Scene::with(9, 4);
    scene.store.wipe();
    assert_eq!(scene.open().err(), Some(JournalError::TailCut { have: 0, mark: 9 }));
    scene.works_again(9);
}

#[test]
fn an_older_history_put_back_is_noticed() {
    let scene = Scene::with(5, 1);
    let (rows, mark) = (scene.store.image(), scene.mark.image());
    let mut journal = scene.start_over().unwrap();
    journal.append(vec![vec![7]]).unwrap();
    scene.store.restore(&rows);
    assert!(matches!(scene.open().err(), Some(JournalError::TailCut { have: 5, .. })));
    let other = Scene::with(5, 1);
    other.start_over().unwrap();
    other.mark.restore(mark);
    assert!(matches!(other.open().err(), Some(JournalError::MarkOlder { mark: 5, .. })));
}

#[test]
fn different_histories_begin_differently() {
    let marks = [&[7][..], &[8]].map(|payload| {
        let scene = Scene::default();
        scene.open().unwrap().0.append(vec![payload.to_vec()]).unwrap();
        scene.start_over().unwrap();
        scene.mark.image().unwrap().mark
    });
    assert_eq!(marks[0].index, marks[1].index);
    assert_ne!(marks[0].chain, marks[1].chain);
}

/// A mark that loses its power before or after it was set.
struct FailingMark {
    inner: MemoryMark,
    set: bool,
}

impl HighWaterMark for FailingMark {
    fn read(&self) -> Result<Option<Marked>, StoreError> {
        self.inner.read()
    }

    fn advance_beside(&mut self, marked: Marked, beside: Beside<'_>) -> Result<(), StoreError> {
        beside()?;
        self.advance_with(marked)
    }

    fn advance_with(&mut self, marked: Marked) -> Result<(), StoreError> {
        if self.set {
            self.inner.advance_with(marked)?;
        }
        Err(StoreError::Io { doing: "Writing the mark".into(), reason: "it was told to fail".into() })
    }
}

#[test]
fn a_power_failure_during_the_write_leaves_what_was_or_what_is_refused() {
    use FailureKind::{FsyncLost, Full, Io};
    for (kind, kept) in [(Io, 0), (Io, 9), (Full, 0), (Full, 9), (FsyncLost, 0), (FsyncLost, 9)] {
        for has_mark in [true, false] {
            let scene = Scene::with(5, 3);
            if !has_mark {
                scene.mark.clear();
            }
            scene.store.fail_write_at(0, kind);
            assert!(matches!(scene.start_over().err(), Some(JournalError::Store(_))));
            scene.store.crash(|_| kept);
            let written = kind == FsyncLost && kept > 0;
            let refusal = scene.open().err();
            match (has_mark, written) {
                (true, false) => assert_eq!(refusal, None, "as it was"),
                (true, true) => assert_eq!(refusal, Some(JournalError::MarkOlder { mark: 5, forgotten: 6 })),
                (false, false) => assert_eq!(refusal, Some(JournalError::MarkMissing { have: 5 })),
                (false, true) => assert_eq!(refusal, Some(JournalError::MarkMissing { have: 6 })),
            }
            scene.works_again(5);
        }
    }
}

#[test]
fn a_power_failure_between_the_rows_and_the_mark_is_refused() {
    for (has_mark, set) in [(true, false), (true, true), (false, false), (false, true)] {
        let scene = Scene::with(5, 3);
        if !has_mark {
            scene.mark.clear();
        }
        let failing = FailingMark { inner: scene.mark.clone(), set };
        assert!(Journal::start_over(Arc::clone(&scene.store), Box::new(failing), &[]).is_err());
        scene.store.crash(|_| 0);
        match (set, has_mark, scene.open().map(|(_, entries)| entries)) {
            (true, _, opened) => assert_eq!(opened, Ok(vec![])),
            (false, true, opened) => {
                assert_eq!(opened, Err(JournalError::MarkOlder { mark: 5, forgotten: 6 }));
            }
            (false, false, opened) => assert_eq!(opened, Err(JournalError::MarkMissing { have: 6 })),
        }
        scene.works_again(6);
    }
}

/// Wherever the power fails: either what was there is there, or what is there is refused, or the note is.
#[test]
fn a_note_of_the_loss_is_there_from_the_start() {
    let note = || vec![b"lost".to_vec()];
    for kept in 0..=1 {
        for (fails, set) in [(true, false), (false, false), (false, true)] {
            let scene = Scene::with(5, 3);
            if fails {
                scene.store.fail_write_at(0, FailureKind::FsyncLost);
            }
            let failing = FailingMark { inner: scene.mark.clone(), set };
            assert!(Journal::start_over(Arc::clone(&scene.store), Box::new(failing), &note()).is_err());
            scene.store.crash(|_| kept);
            match scene.open().map(|(_, entries)| entries.len()) {
                Ok(entries) => assert_eq!(entries, if set { 1 } else { 3 }),
                Err(error) => assert!(matches!(error, JournalError::MarkOlder { mark: 5, .. }), "{error}"),
            }
            let mark = Box::new(scene.mark.clone());
            let mut journal = Journal::start_over(Arc::clone(&scene.store), mark, &note()).unwrap();
            assert_eq!(journal.append(vec![vec![7]]).unwrap(), journal.first() + 1);
            scene.store.crash(|_| 0);
            let payloads: Vec<Vec<u8>> = scene.open().unwrap().1.into_iter().map(|entry| entry.payload).collect();
            assert_eq!(payloads, [b"lost".to_vec(), vec![7]]);
        }
    }
}

#[test]
fn a_poisoned_store_is_not_begun_anew() {
    let scene = Scene::with(5, 3);
    scene.store.fail_write_at(0, FailureKind::Io);
    support::synced(&scene.store, b"1", b"").unwrap_err();
    assert_eq!(scene.start_over().err(), Some(JournalError::Store(StoreError::Poisoned)));
}

#[test]
fn on_a_disk_after_a_salvage_and_with_a_renewed_mark() {
    let directory = tempdir().unwrap();
    let (path, copy, mark) = ["db", "copy", "mark"].map(|name| directory.path().join(name)).into();
    let store = RocksStore::open(&path, &[JOURNAL]).unwrap();
    let (mut journal, _) = Journal::open(&store, Box::new(MarkFile::create(&mark).unwrap())).unwrap();
    journal.append((0..2000).map(|index| support::noise(index, 100)).collect()).unwrap();
    drop(journal);
    store.compact(JOURNAL).unwrap();
    drop(store);
    support::files::flip(&support::files::newest_with(&path, "sst"), 0.5);
    std::fs::write(&mark, "rot").unwrap();

    assert_eq!(RocksStore::salvage(&path, &copy).unwrap().len(), 1);
    let store = RocksStore::open(&copy, &[JOURNAL]).unwrap();
    let (renewed, _) = MarkFile::renew(&mark).unwrap();
    assert!(matches!(Journal::open(&store, Box::new(renewed)).err(), Some(JournalError::Gap { .. })));
    let mut journal = Journal::start_over(&store, Box::new(MarkFile::open(&mark).unwrap()), &[]).unwrap();
    assert_eq!(journal.append(vec![vec![7]]).unwrap(), 2002);
    drop(journal);
    let (_, entries) = Journal::open(&store, Box::new(MarkFile::open(&mark).unwrap())).unwrap();
    assert_eq!(entries, [Entry { index: 2002, payload: vec![7] }]);
}

/// Not a way to go on for long, since a compaction will meet the damage; but nothing of it needs to read.
#[test]
fn on_a_disk_with_the_damage_still_in_it() {
    let directory = tempdir().unwrap();
    let mut mark = MemoryMark::default();
    mark.advance(support::mark(2000)).unwrap();
    let store = RocksStore::open(directory.path(), &[JOURNAL]).unwrap();
    let mut batch = WriteBatch::new();
    (1..2000).for_each(|index| batch.put(JOURNAL, key(index), support::noise(index, 100)));
    store.write(batch, Durability::Synced).unwrap();
    store.compact(JOURNAL).unwrap();
    drop(store);
    support::files::flip(&support::files::newest_with(directory.path(), "sst"), 0.5);
    let store = RocksStore::open(directory.path(), &[JOURNAL]).unwrap();
    let journal = Journal::start_over(&store, Box::new(mark.clone()), &[]).unwrap();
    assert!(journal.next() > 2001);
    assert_eq!(Journal::open(&store, Box::new(mark)).unwrap().1, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn from_any_rows_and_any_mark(
        rows in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..12), prop::collection::vec(any::<u8>(), 0..60)), 0..90),
        held in prop::option::of(0..u64::MAX / 2),
        rotten in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let scene = Scene::default();
        scene.mark.restore(held.map(|index| Mark { index, chain: [9; 32] }.into()));
        for (key, value) in &rows {
            scene.write(|batch| batch.put(JOURNAL, &key[..], &value[..]));
        }
        for index in rotten.into_iter().filter(|_| !rows.is_empty()) {
            scene.store.rot(JOURNAL, &index.get(&rows).0);
        }
        scene.works_again(held.unwrap_or(0));
    }
}
