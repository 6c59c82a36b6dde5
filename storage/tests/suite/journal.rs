//! The journal: what is acknowledged is there again after every crash, and what is damaged or gone is noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tetrarch_storage::{
    Beside, Durability, Entry, FailureKind, FaultyStore, HighWaterMark, JOURNAL, Journal, JournalError, Mark, MarkFile,
    Marked, MemoryMark, MemoryStore, Reader, RocksStore, Store, StoreError, WriteBatch,
};

type Opened<S> = Result<(Journal<S>, Vec<Entry>), JournalError>;

/// A disk and a mark that outlive the journals opened on them.
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
    /// Entries 1 to `count`, each with its index as payload, and the last appended by itself.
    fn with(count: u8) -> Self {
        let scene = Self::default();
        let mut journal = scene.journal();
        journal.append((1..count).map(|index| vec![index]).collect()).unwrap();
        journal.append(vec![vec![count]]).unwrap();
        scene
    }

    fn open(&self) -> Opened<Arc<FaultyStore>> {
        self.open_with(self.mark.clone())
    }

    fn open_with(&self, mark: impl HighWaterMark + 'static) -> Opened<Arc<FaultyStore>> {
        Journal::open(Arc::clone(&self.store), Box::new(mark))
    }

    fn journal(&self) -> Journal<Arc<FaultyStore>> {
        self.open().unwrap().0
    }

    fn entries(&self) -> Vec<Entry> {
        self.open().unwrap().1
    }

    fn refusal(&self) -> JournalError {
        self.open().err().unwrap()
    }

    fn value(&self, index: u64) -> Vec<u8> {
        self.store.get(JOURNAL, &key(index)).unwrap().unwrap()
    }

    fn put(&self, index: u64, value: Vec<u8>) {
        self.write(|batch| batch.put(JOURNAL, key(index), value));
    }

    fn delete(&self, index: u64) {
        self.write(|batch| batch.delete(JOURNAL, key(index)));
    }

    /// Writes behind the journal's back.
    fn write(&self, fill: impl FnOnce(&mut WriteBatch)) {
        let mut batch = WriteBatch::new();
        fill(&mut batch);
        self.store.write(batch, Durability::Synced).unwrap();
    }
}

fn key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn numbered(indices: std::ops::RangeInclusive<u8>) -> Vec<Entry> {
    indices.map(|index| Entry { index: index.into(), payload: vec![index] }).collect()
}

fn mark_of(held: Option<Marked>) -> MemoryMark {
    let memory = MemoryMark::default();
    memory.restore(held);
    memory
}

fn fails_to_advance(scene: &Scene, how: u8) -> FailingMark {
    FailingMark { inner: scene.mark.clone(), how: Arc::new(AtomicU8::new(how)) }
}

const BEFORE: u8 = 1;
const BEHIND: u8 = 2;

/// A mark whose next advance fails, before or after it has changed anything.
#[derive(Clone)]
struct FailingMark {
    inner: MemoryMark,
    how: Arc<AtomicU8>,
}

impl HighWaterMark for FailingMark {
    fn read(&self) -> Result<Option<Marked>, StoreError> {
        self.inner.read()
    }

    fn advance_with(&mut self, marked: Marked) -> Result<(), StoreError> {
        self.advance_beside(marked, Box::new(|| Ok(())))
    }

    fn advance_beside(&mut self, marked: Marked, beside: Beside<'_>) -> Result<(), StoreError> {
        let error = StoreError::Io { doing: "Writing the mark".into(), reason: "it was told to fail".into() };
        match self.how.swap(0, Ordering::Relaxed) {
            BEFORE => beside().and(Err(error)),
            BEHIND => self.inner.advance_beside(marked, beside).and(Err(error)),
            _ => self.inner.advance_beside(marked, beside),
        }
    }
}

#[test]
fn indices_start_at_one_and_go_on_after_reopening() {
    let scene = Scene::default();
    let (mut journal, entries) = scene.open().unwrap();
    assert_eq!((entries.len(), journal.first(), journal.next()), (0, 1, 1));
    assert_eq!(journal.append(vec![vec![1], vec![2]]).unwrap(), 1);
    assert_eq!(journal.append(vec![vec![3]]).unwrap(), 3);
    assert_eq!(journal.append(vec![]).unwrap(), 4);
    assert_eq!(scene.journal().append(vec![vec![4]]).unwrap(), 4);
    assert_eq!(scene.entries(), numbered(1..=4));
}

#[test]
fn an_entry_is_its_chain_value_and_its_payload() {
    let scene = Scene::with(2);
    let mut chain = [0; 32];
    for index in 1..=2 {
        let mut bytes = b"\x12\0\0\0\0\0\0\0tetrarch/1/journal".to_vec();
        bytes.extend([&chain[..], &u64::to_le_bytes(index), &[index as u8]].concat());
        chain = Sha256::digest(&bytes).into();
        assert_eq!(scene.value(index), [&chain[..], &[index as u8]].concat());
    }
    assert_eq!(scene.mark.image().unwrap(), Marked { mark: Mark { index: 2, chain }, tail: vec![vec![2]] });
}

#[test]
fn more_entries_than_a_page_are_read_in_order() {
    for count in [63, 64, 65, 128, 200] {
        assert_eq!(Scene::with(count).entries(), numbered(1..=count));
    }
}

#[test]
fn truncation_keeps_the_rest_verifiable() {
    let scene = Scene::with(5);
    let mut journal = scene.journal();
    journal.truncate_before(3).unwrap();
    assert_eq!((journal.first(), journal.next()), (3, 6));
    assert_eq!(scene.entries(), numbered(3..=5));
    journal.truncate_before(1).unwrap();
    assert_eq!(journal.first(), 3);
    scene.store.corrupt(JOURNAL, &key(0), 20);
    assert_eq!(scene.refusal(), JournalError::ChainBroken { index: 3 });
}

#[test]
fn all_entries_may_be_forgotten() {
    let scene = Scene::with(3);
    let mut journal = scene.journal();
    journal.truncate_before(4).unwrap();
    assert_eq!((journal.first(), journal.next()), (4, 4));
    assert_eq!(journal.truncate_before(5), Err(JournalError::NotReached { index: 5, next: 4 }));
    assert_eq!(scene.entries(), []);
    assert_eq!(scene.journal().append(vec![vec![4]]).unwrap(), 4);
    assert_eq!(scene.entries(), numbered(4..=4));
}

#[test]
fn a_truncation_lost_in_a_crash_keeps_entries_longer() {
    let scene = Scene::with(5);
    scene.journal().truncate_before(6).unwrap();
    scene.store.crash(|_| 0);
    assert_eq!(scene.entries(), numbered(1..=5));
}

#[test]
fn an_append_makes_the_truncation_before_it_durable() {
    let scene = Scene::with(5);
    let mut journal = scene.journal();
    journal.truncate_before(5).unwrap();
    journal.append(vec![vec![6]]).unwrap();
    scene.store.crash(|_| 0);
    assert_eq!(scene.entries(), numbered(5..=6));
}

#[test]
fn entries_left_below_the_base_are_deleted() {
    let scene = Scene::with(5);
    let old = scene.value(2);
    scene.journal().truncate_before(4).unwrap();
    scene.put(2, old);
    assert_eq!(scene.entries(), numbered(4..=5));
    assert_eq!(scene.store.get(JOURNAL, &key(2)).unwrap(), None);
}

#[test]
fn a_removed_tail_is_noticed() {
    let scene = Scene::with(3);
    scene.write(|batch| batch.delete_range(JOURNAL, key(2), key(9)));
    assert_eq!(scene.refusal(), JournalError::TailCut { have: 1, mark: 3 });
    scene.write(|batch| batch.delete_range(JOURNAL, key(0), key(9)));
    assert_eq!(scene.refusal(), JournalError::TailCut { have: 0, mark: 3 });
}

#[test]
fn a_backup_put_in_place_is_noticed() {
    let (store, mark) = (MemoryStore::new(), MemoryMark::at_origin());
    let (mut journal, _) = Journal::open(&store, Box::new(mark.clone())).unwrap();
    journal.append(vec![vec![1]]).unwrap();
    let backup = store.clone();
    journal.append(vec![vec![2]]).unwrap();
    journal.append(vec![vec![3]]).unwrap();
    let refusal = Journal::open(&backup, Box::new(mark)).err().unwrap();
    assert_eq!(refusal, JournalError::TailCut { have: 1, mark: 3 });
}

#[test]
fn a_tail_replaced_by_another_is_noticed() {
    let scene = Scene::with(2);
    let other = Scene::default();
    other.journal().append(vec![vec![1], vec![9], vec![9]]).unwrap();
    let refusal = other.open_with(scene.mark.clone()).err().unwrap();
    assert_eq!(refusal, JournalError::OtherHistory { index: 2 });
}

#[test]
fn a_removed_head_or_middle_is_noticed() {
    for gone in [1, 2] {
        let scene = Scene::with(3);
        scene.delete(gone);
        assert_eq!(scene.refusal(), JournalError::Gap { expected: gone, found: gone + 1 });
    }
}

#[test]
fn a_removed_or_damaged_base_is_noticed() {
    let scene = Scene::with(3);
    scene.journal().truncate_before(3).unwrap();
    scene.put(0, vec![1]);
    assert_eq!(scene.refusal(), JournalError::BaseBroken { length: 1 });
    scene.put(0, vec![0xff; 40]);
    assert!(matches!(scene.refusal(), JournalError::MarkOlder { mark: 3, .. }));
    scene.delete(0);
    assert_eq!(scene.refusal(), JournalError::Gap { expected: 1, found: 3 });
}

#[test]
fn a_flipped_bit_anywhere_is_noticed_and_its_entry_named() {
    for (index, at_byte) in (1..=4).flat_map(|index| (0..33).map(move |byte| (index, byte))) {
        let scene = Scene::with(4);
        assert!(scene.store.corrupt(JOURNAL, &key(index), at_byte));
        assert_eq!(scene.refusal(), JournalError::ChainBroken { index });
    }
}

#[test]
fn a_shortened_entry_is_noticed() {
    for length in [0, 31, 32] {
        let scene = Scene::with(3);
        scene.put(2, scene.value(2)[..length].to_vec());
        assert_eq!(scene.refusal(), JournalError::ChainBroken { index: 2 });
    }
}

#[test]
fn swapped_entries_are_noticed() {
    let scene = Scene::with(4);
    let (second, third) = (scene.value(2), scene.value(3));
    scene.put(2, third);
    scene.put(3, second);
    assert_eq!(scene.refusal(), JournalError::ChainBroken { index: 2 });
}

#[test]
fn a_key_that_is_no_index_is_noticed() {
    let scene = Scene::with(3);
    scene.write(|batch| batch.put(JOURNAL, b"\0\0\0\0\0\0\0\x02x", "value"));
    assert!(matches!(scene.refusal(), JournalError::ForeignKey { after: 2, .. }));
}

#[test]
fn a_missing_mark_is_noticed() {
    let scene = Scene::with(3);
    let without = || scene.open_with(MemoryMark::default()).err().unwrap();
    assert_eq!(without(), JournalError::MarkMissing { have: 3 });
    scene.journal().truncate_before(4).unwrap();
    assert_eq!(without(), JournalError::MarkMissing { have: 3 });
}

/// Found by a replica that had no checkpoint yet and lost its mark; a torn sector had taken all its entries.
#[test]
fn a_mark_that_is_missing_with_every_entry_is_noticed() {
    let scene = Scene::default();
    let before = scene.store.image();
    let mut journal = scene.journal();
    journal.append(vec![vec![1]]).unwrap();
    journal.append(vec![vec![2]]).unwrap();
    scene.store.restore(&before);
    assert_eq!(scene.refusal(), JournalError::TailCut { have: 0, mark: 2 });
    scene.mark.clear();
    assert_eq!(scene.refusal(), JournalError::MarkMissing { have: 0 });
    assert_eq!(scene.mark.image(), None, "nothing was written that would hide it from the next start");
}

#[test]
fn a_new_journal_writes_nothing_when_it_is_opened() {
    let scene = Scene::default();
    assert_eq!(scene.entries(), []);
    assert_eq!((scene.store.counters().writes, scene.mark.image()), (0, Some(Mark::ORIGIN.into())));
}

#[test]
fn an_older_mark_is_brought_forward() {
    let scene = Scene::default();
    let mut journal = scene.journal();
    journal.append(vec![vec![1]]).unwrap();
    let older = mark_of(scene.mark.image());
    journal.append(vec![vec![2], vec![3]]).unwrap();
    assert_eq!(scene.open_with(older.clone()).unwrap().1, numbered(1..=3));
    assert_eq!(older.image().map(|held| held.mark), scene.mark.image().map(|held| held.mark));
}

#[test]
fn a_mark_older_than_what_was_forgotten_is_noticed() {
    let scene = Scene::with(1);
    let older = mark_of(scene.mark.image());
    let mut journal = scene.journal();
    journal.append(vec![vec![2], vec![3]]).unwrap();
    journal.truncate_before(3).unwrap();
    let refusal = scene.open_with(older).err().unwrap();
    assert_eq!(refusal, JournalError::MarkOlder { mark: 1, forgotten: 2 });
}

#[test]
fn a_refusal_writes_nothing() {
    let scene = Scene::with(5);
    scene.journal().truncate_before(3).unwrap();
    scene.write(|batch| batch.delete_range(JOURNAL, key(4), key(9)));
    let (writes, mark) = (scene.store.counters().writes, scene.mark.read().unwrap());
    scene.refusal();
    scene.open_with(MemoryMark::default()).err().unwrap();
    assert_eq!((scene.store.counters().writes, scene.mark.read().unwrap()), (writes, mark));
}

#[test]
fn a_crash_before_the_first_entry_is_marked_is_no_missing_mark() {
    let scene = Scene::default();
    let mark = fails_to_advance(&scene, 0);
    let (mut journal, _) = scene.open_with(mark.clone()).unwrap();
    mark.how.store(BEFORE, Ordering::Relaxed);
    journal.append(vec![vec![1]]).unwrap_err();
    assert_eq!(scene.mark.image(), Some(Mark::ORIGIN.into()));
    scene.store.crash(|_| 0);
    assert_eq!(scene.entries(), numbered(1..=1));
}

#[test]
fn after_a_failed_write_or_mark_nothing_more_is_appended() {
    for how in [BEFORE, BEHIND] {
        let scene = Scene::with(2);
        let mark = fails_to_advance(&scene, 0);
        let (mut journal, _) = scene.open_with(mark.clone()).unwrap();
        mark.how.store(how, Ordering::Relaxed);
        assert!(matches!(journal.append(vec![vec![3]]), Err(JournalError::Store(_))));
        assert_eq!(journal.append(vec![vec![4]]), Err(JournalError::Stopped));
        assert_eq!(journal.truncate_before(2), Err(JournalError::Stopped));
        assert_eq!(journal.next(), 3);
        assert_eq!(scene.entries(), numbered(1..=3));
    }
}

#[test]
fn after_a_failed_truncation_nothing_more_is_appended() {
    let scene = Scene::with(2);
    let mut journal = scene.journal();
    scene.store.fail_write_at(0, FailureKind::Full);
    assert!(matches!(journal.truncate_before(3), Err(JournalError::Store(StoreError::Full { .. }))));
    assert_eq!((journal.first(), journal.append(vec![vec![3]])), (1, Err(JournalError::Stopped)));
    scene.store.crash(|_| 0);
    assert_eq!(scene.entries(), numbered(1..=2));
}

#[test]
fn an_adopted_entry_is_durable_although_its_fsync_failed() {
    let scene = Scene::with(2);
    let mut journal = scene.journal();
    scene.store.fail_write_at(0, FailureKind::FsyncLost);
    journal.append(vec![vec![3]]).unwrap_err();
    scene.store.crash(|unsynced| unsynced);
    let syncs = scene.store.counters().syncs;
    assert_eq!(scene.entries(), numbered(1..=3));
    assert_eq!(scene.store.counters().syncs, syncs + 1, "written anew");
    assert_eq!(scene.mark.image().unwrap().mark.index, 3);
    scene.entries();
    assert_eq!(scene.store.counters().syncs, syncs + 1, "once");
}

#[test]
fn it_lives_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (database, mark) = (directory.path().join("db"), directory.path().join("mark"));
    let open = || {
        let store = RocksStore::open(&database, &[JOURNAL]).unwrap();
        Journal::open(store, Box::new(MarkFile::open(&mark).unwrap()))
    };
    drop(MarkFile::create(&mark).unwrap());
    open().unwrap().0.append((1..=100).map(|index| vec![index]).collect()).unwrap();
    let (mut journal, entries) = open().unwrap();
    assert_eq!(entries, numbered(1..=100));
    journal.truncate_before(90).unwrap();
    drop(journal);
    let (mut journal, entries) = open().unwrap();
    assert_eq!(entries, numbered(90..=100));
    assert_eq!(journal.append(vec![vec![101]]).unwrap(), 101);
    drop(journal);
    std::fs::remove_file(&mark).unwrap();
    assert_eq!(open().err().unwrap(), JournalError::MarkMissing { have: 101 });
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Vec<u8>>),
    /// Left to the mark where there is room.
    AppendLater(Vec<Vec<u8>>),
    /// So many bytes, settled or not.
    AppendLarge(usize, bool),
    /// The store is told of what was left to the mark.
    Tell,
    /// Before the index at this many 256ths of what is kept.
    Truncate(u8),
    /// The store fails at the next write.
    FailWrite(FailureKind),
    /// The mark fails at its next advance.
    FailMark(u8),
    /// As many unsynced writes survive, and a mark that was being written or not; the journal is opened again.
    Crash(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(FailureKind::Io), Just(FailureKind::Full), Just(FailureKind::FsyncLost)];
    prop_oneof![
        4 => vec(vec(any::<u8>(), 0..4), 0..5).prop_map(Step::Append),
        4 => vec(vec(any::<u8>(), 0..4), 0..5).prop_map(Step::AppendLater),
        2 => (0..70_000_usize, any::<bool>()).prop_map(|(length, settles)| Step::AppendLarge(length / 16, settles)),
        1 => (0..70_000_usize, any::<bool>()).prop_map(|(length, settles)| Step::AppendLarge(length, settles)),
        1 => Just(Step::Tell),
        2 => any::<u8>().prop_map(Step::Truncate),
        1 => kind.prop_map(Step::FailWrite),
        1 => prop_oneof![Just(BEFORE), Just(BEHIND)].prop_map(Step::FailMark),
        3 => (0..5usize, any::<bool>()).prop_map(|(keep, marked)| Step::Crash(keep, marked)),
    ]
}

/// A journal under test, and what it must hold.
struct Model {
    store: Arc<FaultyStore>,
    mark: FailingMark,
    journal: Journal<Arc<FaultyStore>>,
    /// The payloads of all entries ever acknowledged or adopted; entry 1 is the first.
    acknowledged: Vec<Vec<u8>>,
    /// Those of an append that failed.
    doubtful: Vec<Vec<u8>>,
    /// The lowest index never forgotten, and the lowest that a crash cannot bring back.
    forgotten_below: u64,
    surely_below: u64,
}

impl Model {
    fn new() -> Self {
        let scene = Scene::default();
        let (store, mark) = (Arc::clone(&scene.store), fails_to_advance(&scene, 0));
        let (journal, _) = scene.open_with(mark.clone()).unwrap();
        let (acknowledged, doubtful) = (Vec::new(), Vec::new());
        Self { store, mark, journal, acknowledged, doubtful, forgotten_below: 1, surely_below: 1 }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Append(payloads) => self.append(payloads, true),
            Step::AppendLater(payloads) => self.append(payloads, false),
            Step::AppendLarge(length, settles) => self.append(vec![vec![7; length]], settles),
            Step::Tell => drop(self.journal.tell()),
            Step::Truncate(part) => self.truncate(part),
            Step::FailWrite(kind) => self.store.fail_write_at(0, kind),
            Step::FailMark(how) => self.mark.how.store(how, Ordering::Relaxed),
            Step::Crash(keep, marked) => self.crash(keep, marked),
        }
    }

    fn append(&mut self, payloads: Vec<Vec<u8>>, settles: bool) {
        let append = if settles { Journal::append } else { Journal::append_later };
        match append(&mut self.journal, payloads.clone()) {
            Ok(first) => {
                assert_eq!(first, self.acknowledged.len() as u64 + 1);
                if settles && !payloads.is_empty() {
                    self.surely_below = self.journal.first();
                }
                self.acknowledged.extend(payloads);
            }
            Err(JournalError::Stopped) => {}
            Err(error) => {
                assert!(matches!(error, JournalError::Store(_)), "{error}");
                self.doubtful = payloads;
            }
        }
    }

    fn truncate(&mut self, part: u8) {
        let (first, next) = (self.journal.first(), self.journal.next());
        let index = first + (next - first) * u64::from(part) / 255;
        let done = self.journal.truncate_before(index);
        // One that failed may come back all the same, and never forgets more than it was asked.
        self.forgotten_below = self.forgotten_below.max(index);
        if done.is_ok() {
            assert_eq!(self.journal.first(), index);
        }
    }

    fn crash(&mut self, keep: usize, marked: bool) {
        // Planned failures may hit the opening itself; then it crashes once more.
        for _ in 0..4 {
            self.store.crash(|_| keep);
            self.mark.inner.crash(marked);
            match Journal::open(Arc::clone(&self.store), Box::new(self.mark.clone())) {
                Ok((journal, entries)) => return self.resume(journal, &entries),
                Err(error) => assert!(matches!(error, JournalError::Store(_)), "{error}"),
            }
        }
        panic!("it never opened again");
    }

    fn resume(&mut self, journal: Journal<Arc<FaultyStore>>, entries: &[Entry]) {
        assert!((self.surely_below..=self.forgotten_below).contains(&journal.first()));
        if journal.next() > self.acknowledged.len() as u64 + 1 {
            self.acknowledged.append(&mut self.doubtful);
        }
        self.doubtful.clear();
        assert_eq!(journal.next(), self.acknowledged.len() as u64 + 1);
        let expected = self.acknowledged.iter().zip(1..).skip(journal.first() as usize - 1);
        let expected: Vec<Entry> = expected.map(|(payload, index)| Entry { index, payload: payload.clone() }).collect();
        assert_eq!(entries, expected);
        assert_eq!(self.mark.inner.image().unwrap().mark.index + 1, journal.next());
        self.journal = journal;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_and_not_forgotten_survives_every_crash(steps in vec(step(), 1..40)) {
        let mut model = Model::new();
        for step in steps {
            model.run(step);
        }
        model.crash(0, false);
    }
}
