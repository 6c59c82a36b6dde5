//! Looking at a journal without opening it: the same verdict, everything readable before it, and nothing written.

use std::sync::Arc;

use tetrarch_storage::{
    Durability, Entry, FaultyStore, JOURNAL, Journal, JournalError, JournalReport, MemoryMark, Store, StoreError,
    WriteBatch, check_journal,
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
    /// Entries 1 to `count`, the last two appended together, of which those below `first` are forgotten.
    fn with(count: u8, first: u64) -> Self {
        let scene = Self::default();
        let (mut journal, _) = scene.open().unwrap();
        let split = count - count.min(2);
        for part in [1..=split, split + 1..=count] {
            journal.append(part.map(|index| vec![index]).collect()).unwrap();
        }
        journal.truncate_before(first).unwrap();
        scene
    }

    fn open(&self) -> Result<(Journal<Arc<FaultyStore>>, Vec<Entry>), JournalError> {
        Journal::open(Arc::clone(&self.store), Box::new(self.mark.clone()))
    }

    fn write(&self, fill: impl FnOnce(&mut WriteBatch)) {
        let mut batch = WriteBatch::new();
        fill(&mut batch);
        self.store.write(batch, Durability::Synced).unwrap();
    }

    /// The report, the indices visited; and opening agrees.
    fn check(&self) -> (JournalReport, Vec<u64>) {
        let mut seen = Vec::new();
        let writes = self.store.counters().writes;
        let report = check_journal(&self.store, self.mark.image().as_ref(), &mut |entry| {
            assert_eq!(entry.payload, [entry.index as u8]);
            seen.push(entry.index);
        });
        assert_eq!(self.store.counters().writes, writes);
        assert_eq!(report.entries, seen.len() as u64);
        assert_eq!(report.mark, self.mark.image().map(|held| held.mark));
        assert_eq!(report.problem, self.open().err());
        (report, seen)
    }
}

fn key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn indices(report: &JournalReport) -> (Option<u64>, Option<u64>) {
    (report.base.map(|mark| mark.index), report.tip.map(|mark| mark.index))
}

#[test]
fn a_whole_journal_has_no_problem() {
    for (count, first) in [(0, 1), (5, 1), (5, 3), (5, 6), (200, 100)] {
        let scene = Scene::with(count, first);
        let (report, seen) = scene.check();
        assert_eq!(report.problem, None);
        assert_eq!(indices(&report), (Some(first - 1), Some(count.into())));
        assert_eq!(seen, (first..=count.into()).collect::<Vec<_>>());
    }
}

#[test]
fn everything_before_the_first_problem_is_visited() {
    for rotten in [101, 130, 164, 165, 200] {
        let scene = Scene::with(200, 101);
        scene.store.rot(JOURNAL, &key(rotten));
        let (report, seen) = scene.check();
        assert!(matches!(report.problem, Some(JournalError::Store(StoreError::Corrupt { .. }))));
        assert_eq!(seen, (101..rotten).collect::<Vec<_>>());
        assert_eq!(indices(&report), (Some(100), Some(rotten - 1)));
    }
}

#[test]
fn the_first_problem_is_the_one_that_opening_names() {
    type Damage<'a> = (&'a dyn Fn(&Scene), u64);
    let damages: [Damage<'_>; 6] = [
        (&|scene| scene.write(|batch| batch.delete(JOURNAL, key(4))), 3),
        (&|scene| scene.write(|batch| batch.delete_range(JOURNAL, key(3), key(6))), 2),
        (&|scene| scene.write(|batch| batch.put(JOURNAL, [key(4), key(0)].concat(), "")), 4),
        (&|scene| assert!(scene.store.corrupt(JOURNAL, &key(4), 32)), 3),
        (&|scene| scene.mark.clear(), 5),
        (&|scene| scene.mark.restore(Some(tetrarch_storage::Mark { index: 4, chain: [9; 32] }.into())), 5),
    ];
    for (damage, last) in damages {
        let scene = Scene::with(5, 3);
        damage(&scene);
        let (report, seen) = scene.check();
        assert!(report.problem.is_some());
        assert_eq!(seen, (3..=last).collect::<Vec<_>>());
    }
}

#[test]
fn what_only_the_mark_has_is_visited_and_counted() {
    for (from, mended) in [(6, 0), (5, 1), (4, 2)] {
        let scene = Scene::with(5, 3);
        scene.write(|batch| batch.delete_range(JOURNAL, key(from), key(6)));
        let (report, seen) = scene.check();
        assert_eq!((report.problem, report.mended, report.entries), (None, mended, 3));
        assert_eq!(report.tip, report.mark);
        assert_eq!(seen, [3, 4, 5]);
    }
}

#[test]
fn without_a_base_there_is_nothing_to_go_by() {
    let broken = Scene::with(5, 3);
    broken.write(|batch| batch.put(JOURNAL, key(0), "short"));
    let rotten = Scene::with(5, 3);
    rotten.store.rot(JOURNAL, &key(0));
    for scene in [broken, rotten] {
        let (report, seen) = scene.check();
        assert!(report.problem.is_some());
        assert_eq!((indices(&report), seen.len()), ((None, None), 0));
    }
}
