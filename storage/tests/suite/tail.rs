//! The second copy of the last append, beside the mark: a crash leaves either, both or none of the two, and whatever is left of the last
//! append, nothing that was acknowledged is gone.

use crate::support;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::files::newest_with;
use tempfile::TempDir;
use tetrarch_storage::{
    Durability, Entry, FailureKind, FaultyStore, HighWaterMark, JOURNAL, Journal, JournalError, Mark, MarkFile, Marked,
    MemoryMark, Reader, RocksStore, Store, StoreError, WriteBatch,
};

/// Entries 1 and 2, each appended by itself, then 3 and 4 together.
struct Scene {
    store: Arc<FaultyStore>,
    mark: MemoryMark,
}

type Opened = Result<(Journal<Arc<FaultyStore>>, Vec<Entry>), JournalError>;

impl Scene {
    fn new() -> Self {
        let scene = Self { store: Arc::default(), mark: MemoryMark::at_origin() };
        let mut journal = scene.open().unwrap().0;
        for payloads in [vec![vec![1]], vec![vec![2]], vec![vec![3], vec![4]]] {
            journal.append(payloads).unwrap();
        }
        scene
    }

    fn open(&self) -> Opened {
        Journal::open(Arc::clone(&self.store), Box::new(self.mark.clone()))
    }

    fn write(&self, durability: Durability, fill: impl FnOnce(&mut WriteBatch)) {
        let mut batch = WriteBatch::new();
        fill(&mut batch);
        self.store.write(batch, durability).unwrap();
    }

    /// The rows from this index on are gone.
    fn cut(&self, from: u64) {
        self.write(Durability::Synced, |batch| batch.delete_range(JOURNAL, key(from), key(99)));
    }

    /// Where the chain stands in the store behind that entry.
    fn chain_at(&self, index: u64) -> [u8; 32] {
        *self.store.get(JOURNAL, &key(index)).unwrap().unwrap().first_chunk().unwrap()
    }

    /// Another tail beside the same mark.
    fn with_tail(self, tail: Vec<Vec<u8>>) -> Self {
        let mark = self.mark.image().unwrap().mark;
        self.mark.restore(Some(Marked { mark, tail }));
        self
    }

    /// What opening gives, and gives again when nothing but the store still has it and the power failed.
    fn lasting(&self) -> Vec<Entry> {
        let (journal, entries) = self.open().unwrap();
        let mark = self.mark.image().unwrap().mark;
        assert_eq!(mark.index + 1, journal.next());
        self.mark.restore(Some(mark.into()));
        self.store.crash(|_| 0);
        assert_eq!(self.open().unwrap().1, entries, "in the store alone");
        entries
    }
}

fn key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn numbered(indices: std::ops::RangeInclusive<u8>) -> Vec<Entry> {
    indices.map(|index| Entry { index: index.into(), payload: vec![index] }).collect()
}

#[test]
fn an_append_is_beside_the_mark_too() {
    let held = Scene::new().mark.image().unwrap();
    assert_eq!((held.mark.index, held.settled(), held.tail.clone()), (4, 2, vec![vec![3], vec![4]]));
    assert_eq!(held.behind(3), Some(&[vec![4]][..]));
    assert_eq!(held.behind(4), Some(&[][..]));
    assert_eq!((held.behind(1), held.behind(5)), (None, None));
}

/// More than may be left to the mark.
fn large(index: u8) -> Vec<u8> {
    vec![index; 13_000]
}

#[test]
fn a_crash_inside_a_large_append_of_votes_leaves_either_both_or_none() {
    for (stored, marked) in [(0, false), (1, false), (0, true), (1, true)] {
        let scene = Scene::new();
        let mut journal = scene.open().unwrap().0;
        scene.store.fail_write_at(0, FailureKind::FsyncLost);
        let error = journal.append_later(vec![large(5), large(6)]);
        assert!(matches!(error, Err(JournalError::Store(StoreError::Io { .. }))));
        assert_eq!(journal.append(vec![vec![7]]), Err(JournalError::Stopped));
        assert!(scene.mark.is_doubtful());
        scene.store.crash(|_| stored);
        scene.mark.crash(marked);
        let mut expected = numbered(1..=4);
        let both = (5..=6).map(|index| Entry { index: index.into(), payload: large(index) });
        expected.extend(both.filter(|_| stored == 1 || marked));
        assert_eq!(scene.lasting(), expected, "{stored} {marked}");
        let next = expected.len() as u64 + 1;
        assert_eq!(scene.open().unwrap().0.append(vec![vec![7]]).unwrap(), next);
    }
}

/// What was executed is written without a sync, and a checkpoint's record vouches for it.
fn executed(scene: &Scene) {
    scene.write(Durability::Buffered, |batch| batch.put(support::A, *b"state", *b"executed"));
}

fn has_state(scene: &Scene) -> bool {
    support::get(&scene.store, b"state").is_some()
}

/// The power fails before the store's write is synced: the mark must not have the record yet, or it would be restored without the
/// state that it vouches for.
#[test]
fn a_record_is_never_there_without_what_was_written_before_it() {
    for kept in 0..=2 {
        for marked in [false, true] {
            let scene = Scene::new();
            let mut journal = scene.open().unwrap().0;
            executed(&scene);
            scene.store.fail_write_at(0, FailureKind::FsyncLost);
            journal.append(vec![vec![5]]).unwrap_err();
            scene.store.crash(|_| kept);
            scene.mark.crash(marked);
            let entries = scene.lasting();
            assert_eq!(entries, numbered(1..=if kept == 2 { 5 } else { 4 }), "{kept} {marked}");
            assert_eq!(has_state(&scene), kept > 0);
        }
    }
}

/// The power fails between the two writes, or while the mark is being written.
#[test]
fn behind_the_store_s_write_the_mark_may_come_or_not() {
    for marked in [false, true] {
        let scene = Scene::new();
        let mut journal = scene.open().unwrap().0;
        executed(&scene);
        scene.mark.interrupt(true);
        journal.append(vec![vec![5]]).unwrap_err();
        scene.mark.interrupt(false);
        scene.store.crash(|_| 0);
        scene.mark.crash(marked);
        assert_eq!((scene.lasting(), has_state(&scene)), (numbered(1..=5), true), "{marked}");
    }
}

/// Behind which of the entries 5, 6 and 7 the store is told.
const TOLD: [&[u8]; 8] = [&[], &[5], &[6], &[7], &[5, 6], &[5, 7], &[6, 7], &[5, 6, 7]];

/// Entries 5, 6 and 7, each left to the mark, on a store that was told of these and may lose them.
fn left_to_the_mark_and_told(told: &[u8]) -> (Scene, Journal<Arc<FaultyStore>>) {
    let scene = Scene::new();
    let mut journal = scene.open().unwrap().0;
    for payload in 5..=7 {
        assert_eq!(journal.append_later(vec![vec![payload]]).unwrap(), payload.into());
        if told.contains(&payload) {
            journal.tell().unwrap();
        }
    }
    let held = scene.mark.image().unwrap();
    assert_eq!((held.settled(), held.tail), (4, vec![vec![5], vec![6], vec![7]]));
    (scene, journal)
}

fn left_to_the_mark() -> (Scene, Journal<Arc<FaultyStore>>) {
    left_to_the_mark_and_told(&[])
}

#[test]
fn what_is_left_to_the_mark_survives_whatever_the_store_loses() {
    for told in TOLD {
        for kept in 0..=told.len() {
            let (scene, journal) = left_to_the_mark_and_told(told);
            drop(journal);
            let syncs = scene.store.counters().syncs;
            scene.store.crash(|unsynced| {
                assert_eq!(unsynced, told.len());
                kept
            });
            assert_eq!(scene.store.counters().syncs, syncs);
            assert_eq!(scene.lasting(), numbered(1..=7), "{told:?} {kept}");
        }
    }
}

#[test]
fn the_store_is_told_when_there_is_nothing_else_to_do() {
    let (scene, mut journal) = left_to_the_mark();
    let rows = || scene.store.scan(JOURNAL, &[], &[], tetrarch_storage::Direction::Ascending, 99).unwrap().len();
    let (counted, before) = (scene.store.counters(), rows());
    journal.tell().unwrap();
    assert_eq!((before, rows()), (4, 7));
    journal.tell().unwrap();
    let told = scene.store.counters();
    assert_eq!((told.writes, told.syncs), (counted.writes + 1, counted.syncs), "once, and not synced");
    drop(journal);
    scene.mark.restore(Some(Mark { index: 4, chain: scene.chain_at(4) }.into()));
    assert_eq!(scene.open().unwrap().1, numbered(1..=7), "a mark that rotted takes nothing with it");
}

#[test]
fn a_store_that_fails_to_be_told_stops_the_journal() {
    let (scene, mut journal) = left_to_the_mark();
    scene.store.fail_write_at(0, FailureKind::Io);
    assert!(matches!(journal.tell(), Err(JournalError::Store(StoreError::Io { .. }))));
    assert_eq!(
        (journal.tell(), journal.append(vec![vec![8]])),
        (Err(JournalError::Stopped), Err(JournalError::Stopped))
    );
    drop(journal);
    scene.store.crash(|_| 0);
    assert_eq!(scene.lasting(), numbered(1..=7));
}

/// The power fails while only the mark is being written: it is there afterwards or the one before is.
#[test]
fn a_crash_while_something_is_left_to_the_mark_leaves_it_or_not() {
    for survives in [false, true] {
        let (scene, mut journal) = left_to_the_mark();
        scene.mark.interrupt(true);
        assert!(matches!(journal.append_later(vec![vec![8]]), Err(JournalError::Store(StoreError::Io { .. }))));
        assert_eq!(journal.append_later(vec![vec![9]]), Err(JournalError::Stopped));
        scene.mark.interrupt(false);
        scene.store.crash(|_| 0);
        scene.mark.crash(survives);
        assert_eq!(scene.lasting(), numbered(1..=if survives { 8 } else { 7 }));
    }
}

#[test]
fn an_append_settles_all_that_was_left() {
    let (scene, mut journal) = left_to_the_mark();
    journal.append(vec![vec![8]]).unwrap();
    assert_eq!(scene.mark.image().unwrap().settled(), 4, "until it is durable, the mark has them too");
    scene.store.crash(|_| 0);
    let stored = scene.store.scan(JOURNAL, &[], &[], tetrarch_storage::Direction::Ascending, 99).unwrap();
    assert_eq!(stored.len(), 8);
    // What comes then is left to the mark by itself.
    let mut journal = scene.open().unwrap().0;
    journal.append(vec![vec![9]]).unwrap();
    journal.append_later(vec![vec![10]]).unwrap();
    assert_eq!(scene.mark.image().unwrap().tail, vec![vec![10]]);
    assert_eq!(scene.lasting(), numbered(1..=10));
}

/// The power fails while it settles: the store may have lost all that was left before, whether or not the mark has become durable.
#[test]
fn a_crash_inside_the_append_that_settles_loses_nothing() {
    for marked in [false, true] {
        for append in [Journal::append, Journal::append_later] {
            let (scene, mut journal) = left_to_the_mark();
            scene.store.fail_write_at(0, FailureKind::FsyncLost);
            append(&mut journal, vec![large(8)]).unwrap_err();
            let is_there = marked && scene.mark.is_doubtful();
            scene.store.crash(|_| 0);
            scene.mark.crash(marked);
            assert_eq!(scene.lasting().len(), if is_there { 8 } else { 7 });
        }
    }
}

#[test]
fn what_would_be_too_much_to_leave_settles() {
    let scene = Scene::new();
    let mut journal = scene.open().unwrap().0;
    let syncs = || scene.store.counters().syncs;
    let before = syncs();
    journal.append_later(vec![vec![5; 6_000]]).unwrap();
    journal.append_later(vec![vec![6; 6_000]]).unwrap();
    assert_eq!(syncs(), before);
    journal.append_later(vec![vec![7; 6_000]]).unwrap();
    assert_eq!((syncs(), scene.mark.image().unwrap().settled()), (before + 1, 4));
    journal.append_later(vec![vec![8; 6_000]]).unwrap();
    assert_eq!((syncs(), scene.mark.image().unwrap().settled()), (before + 1, 7));
    scene.store.crash(|_| 0);
    assert_eq!(scene.lasting().len(), 8);
}

/// There is no room in the mark for what was left before and this: it waits until the store has both.
#[test]
fn what_is_too_large_beside_what_was_left_is_marked_behind_the_write() {
    let (scene, mut journal) = left_to_the_mark();
    scene.store.fail_write_at(0, FailureKind::FsyncLost);
    journal.append_later(vec![vec![8; Marked::ROOM - 4]]).unwrap_err();
    assert!(!scene.mark.is_doubtful());
    scene.store.crash(|_| 0);
    assert_eq!(scene.lasting(), numbered(1..=7));
    let (scene, mut journal) = left_to_the_mark();
    journal.append_later(vec![vec![8; Marked::ROOM - 4]]).unwrap();
    assert_eq!(scene.mark.image().unwrap().tail, Vec::<Vec<u8>>::new());
    assert_eq!(scene.lasting().len(), 8);
}

#[test]
fn what_was_forgotten_before_it_settled_stays_forgotten_or_comes_back_whole() {
    for told in TOLD {
        // The truncation is one more write, with what was not told.
        for kept in 0..=told.len() + 1 {
            let (scene, mut journal) = left_to_the_mark_and_told(told);
            journal.truncate_before(7).unwrap();
            drop(journal);
            scene.store.crash(|unsynced| kept.min(unsynced));
            let is_kept = kept > told.len();
            assert_eq!(scene.lasting(), numbered(if is_kept { 7..=7 } else { 1..=7 }), "{told:?} {kept}");
        }
    }
}

#[test]
fn a_mark_without_room_leaves_the_store_and_stops_the_journal() {
    let scene = Scene::new();
    let mut journal = scene.open().unwrap().0;
    scene.mark.fill(true);
    assert!(matches!(journal.append(vec![vec![5]]), Err(JournalError::Store(StoreError::Full { .. }))));
    assert_eq!(journal.append(vec![vec![6]]), Err(JournalError::Stopped));
    scene.mark.fill(false);
    assert_eq!(scene.lasting(), numbered(1..=5));
}

/// The process was killed inside an append, and started again before the kernel wrote anything: the rows are there and so is the mark, and
/// that says nothing about the rows.
#[test]
fn rows_that_the_mark_has_as_well_are_written_once_more() {
    let (scene, whole) = (Scene::new(), Scene::new());
    let rows = [3, 4].map(|index| (key(index), whole.store.get(JOURNAL, &key(index)).unwrap().unwrap()));
    scene.cut(3);
    scene.write(Durability::Buffered, |batch| rows.into_iter().for_each(|(key, row)| batch.put(JOURNAL, key, row)));
    assert_eq!(scene.lasting(), numbered(1..=4));
}

#[test]
fn whatever_is_missing_of_the_last_append_comes_from_the_mark() {
    for from in [3, 4, 5] {
        let scene = Scene::new();
        scene.cut(from);
        assert_eq!(scene.lasting(), numbered(1..=4));
    }
}

#[test]
fn more_than_the_last_append_does_not() {
    for from in [1, 2] {
        let scene = Scene::new();
        scene.cut(from);
        let writes = scene.store.counters().writes;
        assert_eq!(scene.open().err(), Some(JournalError::TailCut { have: from - 1, mark: 4 }));
        assert_eq!(scene.store.counters().writes, writes);
    }
}

#[test]
fn the_very_first_append_comes_from_the_mark() {
    let scene = Scene { store: Arc::default(), mark: MemoryMark::at_origin() };
    scene.open().unwrap().0.append(vec![vec![1], vec![2]]).unwrap();
    scene.store.wipe();
    assert_eq!(scene.lasting(), numbered(1..=2));
}

#[test]
fn what_was_forgotten_of_the_last_append_stays_forgotten() {
    for kept in [4, 5] {
        let scene = Scene::new();
        scene.open().unwrap().0.truncate_before(kept).unwrap();
        scene.cut(kept);
        assert_eq!(scene.lasting(), numbered(kept as u8..=4));
    }
}

#[test]
fn a_tail_that_does_not_lead_to_the_mark_is_not_believed() {
    let tails: [Vec<Vec<u8>>; 6] = [
        vec![],
        vec![vec![4]],
        vec![vec![3], vec![5]],
        vec![vec![5], vec![4]],
        vec![vec![4], vec![3]],
        vec![vec![3], vec![4, 4]],
    ];
    for tail in tails {
        let scene = Scene::new().with_tail(tail.clone());
        scene.cut(3);
        let (writes, mark) = (scene.store.counters().writes, scene.mark.image());
        assert_eq!(scene.open().err(), Some(JournalError::TailCut { have: 2, mark: 4 }), "{tail:?}");
        assert_eq!((scene.store.counters().writes, scene.mark.image()), (writes, mark));
    }
}

/// What comes behind the last entry is what counts, since its chain value stands for all that is in front.
#[test]
fn a_tail_may_reach_further_back_than_the_gap() {
    let scene = Scene::new().with_tail(vec![vec![1], vec![2], vec![3], vec![4]]);
    scene.cut(2);
    assert_eq!(scene.lasting(), numbered(1..=4));
    let scene = Scene::new().with_tail(vec![vec![9], vec![9], vec![3], vec![4]]);
    scene.cut(3);
    assert_eq!(scene.lasting(), numbered(1..=4), "what is stored was not asked for");
}

#[test]
fn a_tail_of_another_history_is_not_believed() {
    let other = Scene { store: Arc::default(), mark: MemoryMark::at_origin() };
    let mut journal = other.open().unwrap().0;
    for payload in [9, 9, 3, 4] {
        journal.append(vec![vec![payload]]).unwrap();
    }
    let scene = Scene::new();
    let mark = other.mark.image().unwrap().mark;
    scene.mark.restore(Some(Marked { mark, tail: vec![vec![3], vec![4]] }));
    assert_eq!(scene.open().err(), Some(JournalError::OtherHistory { index: 4 }));
    scene.cut(3);
    assert_eq!(scene.open().err(), Some(JournalError::TailCut { have: 2, mark: 4 }));
}

#[test]
fn a_tail_longer_than_its_history_does_no_harm() {
    let scene = Scene::new().with_tail((0..9).map(|_| vec![3]).collect());
    assert_eq!(scene.lasting(), numbered(1..=4));
}

#[test]
fn what_is_too_large_for_the_mark_is_marked_behind_the_write() {
    for (length, is_kept) in [(Marked::ROOM - 4, true), (Marked::ROOM - 3, false), (3 * Marked::ROOM, false)] {
        let scene = Scene::new();
        scene.open().unwrap().0.append(vec![vec![5; length]]).unwrap();
        let held = scene.mark.image().unwrap();
        assert_eq!((held.mark.index, held.tail.len(), held.settled()), (5, is_kept.into(), 5 - u64::from(is_kept)));
        scene.cut(5);
        match is_kept {
            true => assert_eq!(scene.lasting().len(), 5),
            false => assert_eq!(scene.open().err(), Some(JournalError::TailCut { have: 4, mark: 5 })),
        }
        let scene = Scene::new();
        let mut journal = scene.open().unwrap().0;
        scene.store.fail_write_at(0, FailureKind::FsyncLost);
        journal.append_later(vec![vec![5; length]]).unwrap_err();
        assert_eq!(scene.mark.is_doubtful(), is_kept, "never there alone without its tail");
    }
}

#[test]
fn a_crash_leaves_a_mark_that_was_being_written_or_the_one_before() {
    let mut held = MemoryMark::at_origin();
    let other = held.clone();
    let io = || StoreError::Io { doing: String::new(), reason: String::new() };
    let marked = Marked { mark: Mark { index: 1, chain: [1; 32] }, tail: vec![vec![7]] };
    for survives in [false, true] {
        assert_eq!(held.advance_beside(marked.clone(), Box::new(|| Err(io()))), Err(io()));
        assert_eq!(other.image(), Some(Mark::ORIGIN.into()));
        other.crash(survives);
        assert_eq!(other.image() == Some(marked.clone()), survives);
        other.crash(true);
        assert_eq!((other.image() == Some(marked.clone()), other.is_doubtful()), (survives, false), "once");
    }
}

/// Entries 1 to 5 on a disk, each appended by itself, and how long RocksDB's log was before each.
fn on_a_disk() -> (TempDir, [PathBuf; 2], Vec<u64>) {
    let directory = tempfile::tempdir().unwrap();
    let (database, mark) = (directory.path().join("db"), directory.path().join("mark"));
    drop(MarkFile::create(&mark).unwrap());
    let (mut journal, _) = opened(&database, &mark).unwrap();
    let mut ends = Vec::new();
    for index in 1..=5 {
        ends.push(fs::metadata(newest_with(&database, "log")).unwrap().len());
        journal.append(vec![vec![index]]).unwrap();
    }
    (directory, [database, mark], ends)
}

fn opened(database: &Path, mark: &Path) -> Result<(Journal<RocksStore>, Vec<Entry>), JournalError> {
    let store = RocksStore::open(database, &[JOURNAL]).unwrap();
    Journal::open(store, Box::new(MarkFile::open(mark).unwrap()))
}

#[test]
fn a_log_that_lost_its_last_append_is_mended() {
    for torn in [0, 9] {
        let (_directory, [database, mark], ends) = on_a_disk();
        let log = OpenOptions::new().write(true).open(newest_with(&database, "log")).unwrap();
        log.set_len(ends[4] + torn).unwrap();
        let (mut journal, entries) = opened(&database, &mark).unwrap();
        assert_eq!(entries, numbered(1..=5));
        assert_eq!(journal.append(vec![vec![6]]).unwrap(), 6);
        drop(journal);
        assert_eq!(opened(&database, &mark).unwrap().1, numbered(1..=6));
    }
}

#[test]
fn a_log_that_lost_all_that_was_left_to_the_mark_is_mended() {
    for lost in 6..=9_usize {
        let (_directory, [database, mark], _) = on_a_disk();
        let (mut journal, _) = opened(&database, &mark).unwrap();
        let mut ends = Vec::new();
        for index in 6..=9 {
            ends.push(fs::metadata(newest_with(&database, "log")).unwrap().len());
            journal.append_later(vec![vec![index]]).unwrap();
            journal.tell().unwrap();
        }
        drop(journal);
        let log = OpenOptions::new().write(true).open(newest_with(&database, "log")).unwrap();
        log.set_len(ends[lost - 6]).unwrap();
        assert_eq!(opened(&database, &mark).unwrap().1, numbered(1..=9), "{lost}");
    }
}

#[test]
fn a_log_that_lost_two_appends_is_refused() {
    let (_directory, [database, mark], ends) = on_a_disk();
    OpenOptions::new().write(true).open(newest_with(&database, "log")).unwrap().set_len(ends[3]).unwrap();
    for _ in 0..2 {
        assert_eq!(opened(&database, &mark).err(), Some(JournalError::TailCut { have: 3, mark: 5 }));
    }
}

/// A slot that was torn was never promised: the other holds what was, and the log may be ahead of it or not.
#[test]
fn a_torn_mark_is_behind_the_log_or_level_with_it() {
    for (cut, last) in [(false, 5), (true, 4)] {
        let (_directory, [database, mark], ends) = on_a_disk();
        if cut {
            OpenOptions::new().write(true).open(newest_with(&database, "log")).unwrap().set_len(ends[4]).unwrap();
        }
        let newest = MarkFile::peek(&mark).unwrap().unwrap();
        let bytes = fs::read(&mark).unwrap();
        let places = (0..bytes.len() - 32).filter(|at| bytes[*at..].starts_with(&newest.mark.chain));
        places.for_each(|at| support::files::flip_at(&mark, at as u64));
        assert_eq!(opened(&database, &mark).unwrap().1, numbered(1..=last));
        assert_eq!(MarkFile::peek(&mark).unwrap().unwrap().mark.index, u64::from(last));
    }
}
