//! A journal on its disk: rows cut off, changed, moved and invented, and marks of another time. What opens is what was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use arbitrary::Arbitrary;
use tetrarch_storage::{
    Direction, Durability, HighWaterMark, JOURNAL, Journal, Mark, Marked, MemoryMark, MemoryStore, Pair, Reader, Store,
    WriteBatch, check_journal,
};

use crate::Reach;
use crate::choices::Choices;
use crate::trace;

/// Steps of one input at most.
const STEPS: usize = 40;

/// Marks are invented below this: behind the last number there is nothing begins anew, and no disk gets there.
const FAR: u64 = 1 << 62;

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Step {
    Append {
        count: u8,
        length: u8,
        byte: u8,
    },
    Truncate {
        behind: u8,
    },
    /// Opened again, as it is.
    Open,
    /// A copy of the disk, or of its mark, is made; or put back.
    CopyRows,
    CopyMark,
    RestoreRows,
    RestoreMark,
    Cut {
        rows: u8,
    },
    Remove {
        row: u8,
    },
    Flip {
        row: u8,
        at: u8,
        bit: u8,
    },
    Exchange {
        row: u8,
        other: u8,
    },
    Invent {
        key: u64,
        length: u8,
        byte: u8,
    },
    Foreign {
        length: u8,
        byte: u8,
    },
    ClearMark,
    InventMark {
        index: u64,
        byte: u8,
    },
}

struct Disk {
    store: Arc<MemoryStore>,
    mark: MemoryMark,
    journal: Journal<Arc<MemoryStore>>,
    /// Every entry ever written since the journal began.
    written: BTreeMap<u64, Vec<u8>>,
    rows: MemoryStore,
    image: Option<Marked>,
}

pub(super) fn run(mut choices: Choices<'_>) -> Reach {
    let (store, mark) = (Arc::new(MemoryStore::new()), MemoryMark::at_origin());
    let (journal, _) = Journal::open(store.clone(), Box::new(mark.clone())).expect("an empty one opens");
    let (rows, image) = ((*store).clone(), mark.image());
    let mut disk = Disk { store, mark, journal, written: BTreeMap::new(), rows, image };
    let (mut steps, mut refused) = (0, 0);
    while let Some(step) = choices.any().filter(|_| steps < STEPS) {
        refused += usize::from(!disk.play(step));
        steps += 1;
    }
    refused += usize::from(!disk.open());
    if steps == 0 { Reach::Unread } else { Reach::of(refused == 0) }
}

impl Disk {
    /// Whether what is there, if it had to be opened, was taken.
    fn play(&mut self, step: Step) -> bool {
        trace::note("", &step);
        match step {
            Step::Append { count, length, byte } => self.append(usize::from(count % 5), length.into(), byte),
            Step::Truncate { behind } => self.truncate(behind.into()),
            Step::CopyRows => self.rows = (*self.store).clone(),
            Step::CopyMark => self.image = self.mark.image(),
            Step::Open => return self.open(),
            _ => {
                self.harm(step);
                return self.open();
            }
        }
        true
    }

    fn append(&mut self, count: usize, length: usize, byte: u8) {
        let payloads: Vec<Vec<u8>> = (0..count).map(|more| vec![byte.wrapping_add(more as u8); length]).collect();
        let append = if byte.is_multiple_of(2) { Journal::append } else { Journal::append_later };
        let first = append(&mut self.journal, payloads.clone()).expect("memory takes every write");
        self.written.extend((first..).zip(payloads));
        assert_eq!(self.mark.image().map(|held| held.mark.index + 1), Some(self.journal.next()));
    }

    fn truncate(&mut self, behind: u64) {
        let to = self.journal.first() + behind;
        let is_there = to <= self.journal.next();
        assert_eq!(self.journal.truncate_before(to).is_ok(), is_there);
    }

    fn rows(&self) -> Vec<Pair> {
        self.store.scan(JOURNAL, b"", b"", Direction::Ascending, usize::MAX).expect("memory can be read")
    }

    /// Something happens to the disk that no journal does.
    fn harm(&self, step: Step) {
        let rows = self.rows();
        let row = |number: u8| rows.get(usize::from(number) % rows.len().max(1)).cloned();
        let mut batch = WriteBatch::new();
        match step {
            Step::RestoreRows => {
                let before = self.rows.scan(JOURNAL, b"", b"", Direction::Ascending, usize::MAX);
                rows.iter().for_each(|(key, _)| batch.delete(JOURNAL, key.as_slice()));
                before.into_iter().flatten().for_each(|(key, value)| batch.put(JOURNAL, key, value));
            }
            Step::RestoreMark => self.mark.restore(self.image.clone()),
            Step::ClearMark => self.mark.clear(),
            Step::InventMark { index, byte } => {
                self.mark.restore(Some(Mark { index: index % FAR, chain: [byte; 32] }.into()))
            }
            Step::Cut { rows: count } => {
                let cut = rows.iter().rev().take(usize::from(count % 6));
                cut.for_each(|(key, _)| batch.delete(JOURNAL, key.as_slice()));
            }
            Step::Remove { row: at } => row(at).into_iter().for_each(|(key, _)| batch.delete(JOURNAL, key)),
            Step::Flip { row: at, at: byte, bit } => {
                if let Some((key, mut value)) = row(at).filter(|(_, value)| !value.is_empty()) {
                    let place = usize::from(byte) % value.len();
                    value[place] ^= 1 << (bit % 8);
                    batch.put(JOURNAL, key, value);
                }
            }
            Step::Exchange { row: one, other } => {
                if let (Some((one, first)), Some((other, second))) = (row(one), row(other)) {
                    batch.put(JOURNAL, one, second);
                    batch.put(JOURNAL, other, first);
                }
            }
            Step::Invent { key, length, byte } => {
                batch.put(JOURNAL, (key % 32).to_be_bytes(), vec![byte; length.into()]);
            }
            Step::Foreign { length, byte } => batch.put(JOURNAL, vec![byte; usize::from(length % 12)], [byte]),
            _ => {}
        }
        self.store.write(batch, Durability::Buffered).expect("memory takes every write");
    }

    /// Opens it: what comes out was written, without a gap, at least as far as the mark says. What is refused is begun anew.
    fn open(&mut self) -> bool {
        let held = self.mark.image();
        let mark = held.as_ref().map(|held| held.mark);
        let report = check_journal(&*self.store, held.as_ref(), &mut |_| ());
        let opened = Journal::open(self.store.clone(), Box::new(self.mark.clone()));
        assert_eq!(report.problem, opened.as_ref().err().cloned(), "a check says what opening does");
        let Ok((journal, entries)) = opened else {
            self.start_over(mark);
            return false;
        };
        assert_eq!(entries.len() as u64, journal.next() - journal.first());
        assert_eq!(self.mark.image().map(|held| held.mark.index + 1), Some(journal.next()));
        assert!(mark.is_some_and(|mark| mark.index < journal.next()), "only a mark vouches for the end");
        for (index, entry) in (journal.first()..).zip(entries) {
            assert_eq!((index, Some(&entry.payload)), (entry.index, self.written.get(&index)), "never written");
        }
        // What follows takes the place of what an older copy had lost.
        self.written.split_off(&journal.next());
        self.journal = journal;
        true
    }

    fn start_over(&mut self, mark: Option<Mark>) {
        let before = mark.map_or(0, |mark| mark.index);
        let note = b"a note of the loss".to_vec();
        let journal = Journal::start_over(self.store.clone(), Box::new(self.mark.clone()), std::slice::from_ref(&note));
        let journal = journal.expect("rows that cannot be read are no error");
        assert!(journal.first() + 1 == journal.next() && journal.first() > before);
        assert_eq!(self.mark.read(), Ok(self.mark.image()));
        self.written = [(journal.first(), note)].into();
        self.journal = journal;
    }
}
