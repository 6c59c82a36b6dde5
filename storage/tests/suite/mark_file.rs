//! The mark in its file: durable, alternating, never backwards.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::support::files::flip_at;
use crate::support::mark;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tetrarch_storage::{HighWaterMark, Mark, MarkFile, Marked, MemoryMark, StoreError};

/// Where the two copies of each slot meet, how long the file is, and how long a copy is without a tail.
const MIDDLES: [u64; 2] = [4096 + 65_536, 3 * (4096 + 65_536)];
const FILE: u64 = 4 * MIDDLES[0];
const RECORD: u64 = 93;

/// Where that byte is in each copy of a slot whose copies are so long.
fn places(slot: usize, length: u64, byte: u64) -> [u64; 2] {
    [MIDDLES[slot] - 4 - length + byte, MIDDLES[slot] + byte]
}

/// Flips a bit of that byte, in both copies of a slot without a tail.
fn flip(path: &Path, slot: usize, byte: u64) {
    places(slot, RECORD, byte).into_iter().for_each(|at| flip_at(path, at));
}

fn fresh() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mark");
    (directory, path)
}

fn of_both_kinds(path: &Path) -> [Box<dyn HighWaterMark>; 2] {
    [Box::new(MarkFile::open(path).unwrap()), Box::<MemoryMark>::default()]
}

fn advanced_through(path: &Path, last: u64) {
    let mut file = MarkFile::open(path).unwrap();
    for index in 1..=last {
        file.advance(mark(index)).unwrap();
    }
}

fn read_again(path: &Path) -> Result<Option<Mark>, StoreError> {
    Ok(held_again(path)?.map(|held| held.mark))
}

fn held_again(path: &Path) -> Result<Option<Marked>, StoreError> {
    MarkFile::open(path)?.read()
}

#[test]
fn a_new_mark_was_never_set() {
    let (directory, path) = fresh();
    assert_eq!(read_again(&path), Ok(None));
    assert_eq!(read_again(&path), Ok(None), "nor when opened again");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no draft stays");
}

#[test]
fn the_mark_of_a_journal_that_begins_is_set_and_made_once() {
    let (directory, path) = fresh();
    let made = MarkFile::create(&path).unwrap();
    assert_eq!(made.read(), Ok(Some(Mark::ORIGIN.into())));
    drop(made);
    assert_eq!(read_again(&path), Ok(Some(Mark::ORIGIN)));
    advanced_through(&path, 3);
    assert!(matches!(MarkFile::create(&path), Err(StoreError::Io { .. })));
    assert_eq!(read_again(&path), Ok(Some(mark(3))), "the one that is there stays");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no draft stays");
}

#[test]
fn it_is_there_when_opened_again() {
    for last in 1..6 {
        let (_directory, path) = fresh();
        advanced_through(&path, last);
        assert_eq!(read_again(&path), Ok(Some(mark(last))));
    }
}

#[test]
fn it_does_not_go_back() {
    let (_directory, path) = fresh();
    let fork = Mark { index: 5, chain: [9; 32] };
    for mut store in of_both_kinds(&path) {
        store.advance(mark(5)).unwrap();
        store.advance(mark(5)).unwrap();
        assert_eq!(store.advance(mark(4)), Err(StoreError::MarkBehind { held: 5, offered: 4 }));
        assert_eq!(store.advance(fork), Err(StoreError::MarkBehind { held: 5, offered: 5 }), "another history");
        store.advance(mark(9)).unwrap();
        assert_eq!(store.read(), Ok(Some(mark(9).into())));
    }
}

#[test]
fn index_zero_is_a_mark() {
    let (_directory, path) = fresh();
    MarkFile::open(&path).unwrap().advance(mark(0)).unwrap();
    assert_eq!(read_again(&path), Ok(Some(mark(0))));
}

#[test]
fn any_flipped_byte_of_the_newer_slot_leaves_the_older() {
    for last in [4, 5] {
        for byte in 0..RECORD {
            let (_directory, path) = fresh();
            advanced_through(&path, last);
            flip(&path, last as usize % 2, byte);
            assert_eq!(read_again(&path), Ok(Some(mark(last - 1))), "byte {byte}");
        }
    }
}

#[test]
fn a_flipped_byte_of_the_older_slot_changes_nothing() {
    let (_directory, path) = fresh();
    advanced_through(&path, 5);
    flip(&path, 0, 20);
    assert_eq!(read_again(&path), Ok(Some(mark(5))));
}

#[test]
fn after_a_torn_slot_it_goes_on_without_touching_the_good_one() {
    let (_directory, path) = fresh();
    advanced_through(&path, 5);
    flip(&path, 1, 0);
    MarkFile::open(&path).unwrap().advance(mark(6)).unwrap();
    assert_eq!(read_again(&path), Ok(Some(mark(6))));
    flip(&path, 1, 0);
    assert_eq!(read_again(&path), Ok(Some(mark(4))), "slot 1 was the one written again");
}

#[test]
fn a_cut_second_slot_leaves_the_first() {
    for length in [FILE / 2 - 1, FILE / 2, FILE / 2 + 1, MIDDLES[1] - 1] {
        let (_directory, path) = fresh();
        advanced_through(&path, 5);
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        assert_eq!(read_again(&path), Ok(Some(mark(4))));
        MarkFile::open(&path).unwrap().advance(mark(7)).unwrap();
        assert_eq!(read_again(&path), Ok(Some(mark(7))));
    }
}

#[test]
fn without_a_valid_slot_it_is_corrupt() {
    let zeroes = vec![0; FILE as usize];
    let damages: [&dyn Fn(&Path); 4] = [
        &|path| [0, 1].iter().for_each(|slot| flip(path, *slot, 17)),
        &|path| fs::write(path, b"").unwrap(),
        &|path| fs::write(path, &zeroes).unwrap(),
        &|path| fs::write(path, "not a mark").unwrap(),
    ];
    for damage in damages {
        let (_directory, path) = fresh();
        advanced_through(&path, 5);
        damage(&path);
        let error = read_again(&path).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("none of its slots"), "{error}");
    }
}

#[test]
fn it_is_open_once_at_a_time() {
    let (_directory, path) = fresh();
    let first = MarkFile::open(&path).unwrap();
    assert_eq!(MarkFile::open(&path).unwrap_err(), StoreError::Locked { path: path.clone() });
    drop(first);
    MarkFile::open(&path).unwrap();
}

#[test]
fn a_missing_directory_is_an_error_that_names_the_path() {
    let (_directory, path) = fresh();
    let error = MarkFile::open(&path.join("below")).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("mark/below"), "{error}");
}

#[test]
fn clones_of_the_memory_mark_share_it() {
    let mut first = MemoryMark::default();
    let second = first.clone();
    first.advance(mark(3)).unwrap();
    assert_eq!(second.read(), Ok(Some(mark(3).into())));
}

#[test]
fn it_is_peeked_at_while_it_is_open() {
    let (directory, path) = fresh();
    assert_eq!(MarkFile::peek(&path), Ok(None));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "and not made");
    let mut file = MarkFile::open(&path).unwrap();
    assert_eq!(MarkFile::peek(&path), Ok(None));
    file.advance(mark(3)).unwrap();
    assert_eq!(MarkFile::peek(&path), Ok(Some(mark(3).into())));
    drop(file);
    fs::write(&path, "rot").unwrap();
    assert!(matches!(MarkFile::peek(&path), Err(StoreError::Corrupt { .. })));
}

#[test]
fn one_that_cannot_be_read_is_moved_aside() {
    let (directory, path) = fresh();
    for damage in ["first", "second"] {
        fs::write(&path, damage).unwrap();
        let (mut renewed, damaged) = MarkFile::renew(&path).unwrap();
        assert_eq!(damaged, directory.path().join("mark.damaged"));
        assert_eq!(fs::read_to_string(damaged).unwrap(), damage);
        assert_eq!(renewed.read(), Ok(None));
        renewed.advance(mark(3)).unwrap();
        drop(renewed);
        assert_eq!(read_again(&path), Ok(Some(mark(3))));
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn one_that_can_be_read_or_is_open_or_absent_is_not_replaced() {
    let (_directory, path) = fresh();
    assert!(matches!(MarkFile::renew(&path), Err(StoreError::Io { .. })));
    advanced_through(&path, 5);
    flip(&path, 0, 0);
    assert!(matches!(MarkFile::renew(&path), Err(StoreError::Io { .. })), "one slot is good");
    let open = MarkFile::open(&path).unwrap();
    assert_eq!(MarkFile::renew(&path).unwrap_err(), StoreError::Locked { path: path.clone() });
    drop(open);
    assert_eq!(read_again(&path), Ok(Some(mark(5))));
}

#[test]
fn a_damaged_one_is_said_to_be_mended_from_the_peers() {
    let (_directory, path) = fresh();
    fs::write(&path, "rot").unwrap();
    let text = read_again(&path).unwrap_err().to_string();
    assert!(text.contains("Keep a copy") && text.contains("from its peers"), "{text}");
}

/// Marks with tails of every shape.
fn tails() -> Vec<Marked> {
    let tails = [
        vec![],
        vec![vec![]],
        vec![vec![7; 300]],
        vec![vec![], vec![1, 2, 3], vec![]],
        vec![vec![9; Marked::ROOM - 4]],
    ];
    (1..).zip(tails).map(|(index, tail)| Marked { mark: mark(index), tail }).collect()
}

fn set(file: &mut MarkFile, marked: &Marked) {
    file.advance_beside(marked.clone(), Box::new(|| Ok(()))).unwrap();
}

#[test]
fn tails_are_there_when_opened_again() {
    let (_directory, path) = fresh();
    for marked in tails() {
        set(&mut MarkFile::open(&path).unwrap(), &marked);
        assert_eq!(held_again(&path), Ok(Some(marked.clone())));
        assert_eq!(MarkFile::peek(&path), Ok(Some(marked)));
    }
    MarkFile::open(&path).unwrap().advance(mark(9)).unwrap();
    assert_eq!(held_again(&path), Ok(Some(mark(9).into())), "an advance takes it away");
}

#[test]
fn a_tail_without_room_is_left_out() {
    let (_directory, path) = fresh();
    for tail in [vec![vec![0; Marked::ROOM - 3]], vec![vec![]; Marked::ROOM / 4 + 1]] {
        let mut file = MarkFile::open(&path).unwrap();
        let marked = Marked { mark: mark(file.read().unwrap().map_or(1, |held| held.mark.index + 1)), tail };
        let before = MarkFile::peek(&path).unwrap();
        let is_behind = Box::new(|| {
            assert_eq!(MarkFile::peek(&path).unwrap(), before, "the mark waits");
            Ok(())
        });
        file.advance_beside(marked.clone(), is_behind).unwrap();
        drop(file);
        assert_eq!(held_again(&path), Ok(Some(marked.mark.into())));
    }
}

#[test]
fn a_tail_without_room_is_not_set_by_itself() {
    let (_directory, path) = fresh();
    for mut store in of_both_kinds(&path) {
        store.advance(mark(1)).unwrap();
        let error = store.advance_with(Marked { mark: mark(2), tail: vec![vec![0; Marked::ROOM - 3]] }).unwrap_err();
        assert!(error.to_string().contains("does not fit"), "{error}");
        assert_eq!(store.read(), Ok(Some(mark(1).into())));
        let whole = Marked { mark: mark(2), tail: vec![vec![7; Marked::ROOM - 4]] };
        store.advance_with(whole.clone()).unwrap();
        assert_eq!(store.read(), Ok(Some(whole)), "the next may succeed");
    }
}

/// What is done beside it waits until the mark is in its file: behind it, that would never be.
#[test]
fn it_is_written_while_something_else_is() {
    let (_directory, path) = fresh();
    let mut file = MarkFile::create(&path).unwrap();
    let marked = Marked { mark: mark(1), tail: vec![vec![7]] };
    let is_there = |_| {
        sleep(Duration::from_millis(1));
        MarkFile::peek(&path) == Ok(Some(marked.clone()))
    };
    let beside = || {
        assert!((0..120_000).any(is_there), "it is not written meanwhile");
        Ok(())
    };
    file.advance_beside(marked.clone(), Box::new(beside)).unwrap();
    assert_eq!(file.read(), Ok(Some(marked)));
}

#[test]
fn what_fails_beside_it_is_told_and_the_mark_goes_on() {
    let (_directory, path) = fresh();
    let mut file = MarkFile::create(&path).unwrap();
    let error = StoreError::Io { doing: "Writing".into(), reason: "it was told to fail".into() };
    let small = Marked { mark: mark(1), tail: vec![vec![7]] };
    let large = Marked { mark: mark(2), tail: vec![vec![7; Marked::ROOM]] };
    for marked in [&small, &large] {
        let failed = file.advance_beside(marked.clone(), Box::new(|| Err(error.clone())));
        assert_eq!(failed, Err(error.clone()));
        assert_eq!(file.read(), Ok(Some(small.clone())), "the large one waited in vain");
    }
    set(&mut file, &mark(2).into());
    assert_eq!(file.read(), Ok(Some(mark(2).into())));
}

#[test]
fn nothing_is_done_beside_a_mark_that_would_go_back() {
    let (_directory, path) = fresh();
    for mut store in of_both_kinds(&path) {
        store.advance(mark(5)).unwrap();
        for tail in [vec![], vec![vec![7]], vec![vec![7; Marked::ROOM]]] {
            let behind = Marked { mark: mark(4), tail };
            let done = store.advance_beside(behind, Box::new(|| panic!("it was done")));
            assert_eq!(done, Err(StoreError::MarkBehind { held: 5, offered: 4 }));
        }
        let mut done = false;
        let beside = || {
            done = true;
            Ok(())
        };
        store.advance_beside(mark(5).into(), Box::new(beside)).unwrap();
        assert!(done, "beside the one that is there, all is");
    }
}

/// A write of which so many bytes reached the disk, or all but so many: the slot counts when it is whole.
#[test]
fn a_slot_that_was_torn_anywhere_leaves_the_other() {
    let (_directory, path) = fresh();
    let marked =
        |index| Marked { mark: mark(index), tail: vec![vec![index as u8; 700], vec![], vec![index as u8; 600]] };
    let mut file = MarkFile::open(&path).unwrap();
    (1..=5).for_each(|index| set(&mut file, &marked(index)));
    let before = fs::read(&path).unwrap();
    set(&mut file, &marked(6));
    drop(file);
    let after = fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
    let (first, last) = (ends[0], *ends.last().unwrap());
    let middle = MIDDLES[0] as usize;
    assert!(last - first > 2_600 && first < middle - 1_300 && last < middle + 4096, "slot 0, twice: {first} {last}");
    let length = last + 1 - middle;
    assert_eq!(after[middle - 4 - length..middle - 4], after[middle..=last], "all is there twice");
    let nearly = |at: usize| (at - 40)..(at + 40);
    for at in (first..=last).step_by(7).chain(nearly(first)).chain(nearly(middle)).chain(nearly(last)) {
        let (front, back) = ([&after[..at], &before[at..]].concat(), [&before[..at], &after[at..]].concat());
        for torn in [front, back] {
            fs::write(&path, &torn).unwrap();
            let is_whole = |copy: Range<usize>| torn[copy.clone()] == after[copy];
            let expected = if is_whole(first..middle) || is_whole(middle..last + 1) { marked(6) } else { marked(5) };
            assert_eq!(MarkFile::peek(&path), Ok(Some(expected)), "at {at}");
        }
    }
}

/// A mark in slot 0 that has [`WITH_TAIL`] bytes, and the one before in the other.
fn with_a_tail() -> (TempDir, PathBuf, Marked) {
    let (directory, path) = fresh();
    let marked = Marked { mark: mark(2), tail: vec![vec![2; 40], vec![3; 9]] };
    let mut file = MarkFile::open(&path).unwrap();
    set(&mut file, &mark(1).into());
    set(&mut file, &marked);
    (directory, path, marked)
}

const WITH_TAIL: u64 = RECORD + 4 + 40 + 4 + 9;

/// What rots in one of the copies is still in the other, and is there twice again once it was opened.
#[test]
fn one_copy_of_a_slot_is_enough() {
    let (_directory, path, marked) = with_a_tail();
    for byte in (0..WITH_TAIL).flat_map(|byte| places(0, WITH_TAIL, byte)).chain(MIDDLES[0] - 4..MIDDLES[0]) {
        flip_at(&path, byte);
        assert_eq!(MarkFile::peek(&path), Ok(Some(marked.clone())), "byte {byte}");
        flip_at(&path, byte);
    }
    for copy in places(0, WITH_TAIL, 0) {
        flip_at(&path, copy);
        assert_eq!(held_again(&path), Ok(Some(marked.clone())));
    }
    assert_eq!(held_again(&path), Ok(Some(marked)), "the first was mended before the second rotted");
}

/// Whole blocks, or all that is read of the file, may rot at once.
#[test]
fn one_block_of_a_slot_is_enough() {
    let (_directory, path, marked) = with_a_tail();
    let bytes = fs::read(&path).unwrap();
    for block in (0..FILE as usize / 4096).map(|block| block * 4096..(block + 1) * 4096) {
        for rot in [0, 0xff] {
            let mut rotten = bytes.clone();
            rotten[block.clone()].fill(rot);
            fs::write(&path, &rotten).unwrap();
            assert_eq!(MarkFile::peek(&path), Ok(Some(marked.clone())), "{block:?}");
        }
    }
}

#[test]
fn a_file_that_was_cut_is_replaced() {
    for length in [MIDDLES[1], MIDDLES[1] + 50, FILE - 1] {
        let (_directory, path) = fresh();
        advanced_through(&path, 5);
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        assert_eq!(MarkFile::peek(&path), Ok(Some(mark(5).into())));
        assert_eq!(read_again(&path), Ok(Some(mark(5))));
        assert_eq!(fs::metadata(&path).unwrap().len(), FILE);
        flip_at(&path, places(1, RECORD, 0)[0]);
        assert_eq!(read_again(&path), Ok(Some(mark(5))));
    }
}

#[test]
fn any_flipped_byte_of_a_tail_leaves_the_older_slot() {
    let (_directory, path, marked) = with_a_tail();
    let flip = |byte| places(0, WITH_TAIL, byte).into_iter().for_each(|at| flip_at(&path, at));
    for byte in 0..WITH_TAIL {
        flip(byte);
        assert_eq!(MarkFile::peek(&path), Ok(Some(mark(1).into())), "byte {byte}");
        flip(byte);
    }
    assert_eq!(MarkFile::peek(&path), Ok(Some(marked)));
}

/// What a file takes on the disk is the file system's own affair: some compress, some allocate late. So it is compared with one of zeros that were
/// written there and synced.
#[test]
fn its_size_is_fixed_and_all_of_it_allocated() {
    let (directory, path) = fresh();
    let mut file = MarkFile::create(&path).unwrap();
    let zeros = directory.path().join("zeros");
    fs::write(&zeros, vec![0; FILE as usize]).unwrap();
    fs::File::open(&zeros).unwrap().sync_all().unwrap();
    let of = |path: &Path| fs::metadata(path).map(|data| (data.len(), data.blocks())).unwrap();
    let ((length, blocks), written) = (of(&path), of(&zeros));
    assert_eq!(length, written.0);
    assert!(blocks >= written.1, "{blocks} blocks where zeros that were written take {}", written.1);
    for marked in tails() {
        set(&mut file, &marked);
        assert_eq!(of(&path).0, length);
    }
}

/// A file as builds before a mark had a tail made it, which had advanced so far.
fn old_file(path: &Path, last: u64) -> Vec<u8> {
    let mut bytes = vec![0; 8192];
    for counter in last.saturating_sub(1)..=last {
        let mark = mark(counter);
        let mut slot = b"TTR-MARK".to_vec();
        slot.extend([&counter.to_le_bytes()[..], &[1], &mark.index.to_le_bytes(), &mark.chain].concat());
        slot.extend_from_slice(&Sha256::digest(&slot));
        let at = counter as usize % 2 * 4096;
        bytes[at..at + slot.len()].copy_from_slice(&slot);
    }
    fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn an_old_file_is_replaced_by_one_that_holds_the_same() {
    for last in [0, 4, 5] {
        let (directory, path) = fresh();
        let bytes = old_file(&path, last);
        let kept = directory.path().join("kept");
        fs::hard_link(&path, &kept).unwrap();
        assert_eq!(MarkFile::peek(&path), Ok(Some(mark(last).into())));
        assert_eq!(fs::read(&path).unwrap(), bytes, "looking changes nothing");
        assert!(matches!(MarkFile::renew(&path), Err(StoreError::Io { .. })), "it can be read");
        let mut file = MarkFile::open(&path).unwrap();
        assert_eq!(file.read(), Ok(Some(mark(last).into())));
        assert_eq!(fs::read(&kept).unwrap(), bytes, "the old one is valid to its end");
        assert_eq!(fs::metadata(&path).unwrap().len(), FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(MarkFile::open(&path).unwrap_err(), StoreError::Locked { path: path.clone() });
        set(&mut file, &mark(last + 1).into());
        drop(file);
        assert_eq!(read_again(&path), Ok(Some(mark(last + 1))));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "no draft stays");
    }
}

#[test]
fn an_old_file_with_a_torn_slot_or_cut_holds_the_older_mark() {
    for (last, cut) in [(4, None), (5, None), (5, Some(4096)), (5, Some(4100))] {
        let (_directory, path) = fresh();
        old_file(&path, last);
        match cut {
            None => flip_at(&path, last % 2 * 4096 + 30),
            Some(length) => fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap(),
        }
        assert_eq!(MarkFile::peek(&path), Ok(Some(mark(last - 1).into())));
        assert_eq!(read_again(&path), Ok(Some(mark(last - 1))));
    }
}

#[test]
fn an_old_file_that_cannot_be_read_is_moved_aside() {
    let (_directory, path) = fresh();
    old_file(&path, 5);
    [20, 4116].iter().for_each(|at| flip_at(&path, *at));
    assert!(matches!(MarkFile::peek(&path), Err(StoreError::Corrupt { .. })));
    assert!(matches!(MarkFile::open(&path), Err(StoreError::Corrupt { .. })));
    assert_eq!(MarkFile::renew(&path).unwrap().0.read(), Ok(None));
}

/// A file as builds before the copies lay side by side made it: four places, of which so many are there.
fn four_places(path: &Path, last: &Marked, places: u64) {
    let mut bytes = vec![0; (places * MIDDLES[0]) as usize];
    let before = Marked { mark: mark(last.mark.index - 1), tail: vec![vec![1; 9]] };
    for marked in [&before, last] {
        let counter = marked.mark.index;
        let tail: Vec<u8> = marked
            .tail
            .iter()
            .flat_map(|record| [&(record.len() as u32).to_le_bytes(), &record[..]].concat())
            .collect();
        let mut slot = b"TTR-MRK2".to_vec();
        slot.extend([&counter.to_le_bytes()[..], &[1], &marked.mark.index.to_le_bytes(), &marked.mark.chain].concat());
        slot.extend([&(tail.len() as u32).to_le_bytes()[..], &tail].concat());
        slot.extend_from_slice(&Sha256::digest(&slot));
        for place in (counter % 2..places).step_by(2) {
            let at = (place * MIDDLES[0]) as usize;
            bytes[at..at + slot.len()].copy_from_slice(&slot);
        }
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_with_its_copies_apart_is_replaced_by_one_that_holds_the_same() {
    for (last, places) in [(2, 2), (2, 4), (3, 2), (3, 4)] {
        let (_directory, path) = fresh();
        let marked = Marked { mark: mark(last), tail: vec![vec![7; Marked::ROOM - 4]] };
        four_places(&path, &marked, places);
        assert_eq!(MarkFile::peek(&path), Ok(Some(marked.clone())));
        assert_eq!(held_again(&path), Ok(Some(marked.clone())));
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"TTR-MRK2"), "it was replaced");
        assert_eq!(bytes.len() as u64, FILE);
        let mut file = MarkFile::open(&path).unwrap();
        set(&mut file, &mark(last + 1).into());
        drop(file);
        assert_eq!(read_again(&path), Ok(Some(mark(last + 1))));
    }
}

#[test]
fn of_a_file_with_its_copies_apart_one_is_enough() {
    let (_directory, path) = fresh();
    let marked = Marked { mark: mark(3), tail: vec![vec![7; 40]] };
    four_places(&path, &marked, 4);
    for (place, left) in [(1, mark(3)), (3, mark(2))] {
        flip_at(&path, place * MIDDLES[0] + 30);
        assert_eq!(MarkFile::peek(&path).map(|held| held.unwrap().mark), Ok(left));
    }
}

/// A record is whatever others made a replica write: with an old slot in it, where one would be looked for, it is still a record.
#[test]
fn an_old_slot_inside_a_tail_is_not_taken_for_one() {
    let (_directory, path) = fresh();
    let forged = old_file(&path, 1)[4096..4096 + 89].to_vec();
    fs::remove_file(&path).unwrap();
    // The largest copy begins here, and behind what is fixed, and its length, the record.
    let begins = (MIDDLES[0] - 4 - RECORD - Marked::ROOM as u64) as usize;
    let mut record = vec![0; Marked::ROOM - 4];
    let at = 4096 - begins - 61 - 4;
    record[at..at + forged.len()].copy_from_slice(&forged);
    let mut file = MarkFile::create(&path).unwrap();
    set(&mut file, &mark(1).into());
    set(&mut file, &Marked { mark: mark(2), tail: vec![record] });
    drop(file);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes[4096..4096 + 89], forged);
    assert!(
        bytes[..begins].iter().all(|byte| *byte == 0),
        "no record reaches to where the other kind of old slot would begin"
    );
    flip(&path, 1, 20);
    places(0, RECORD + Marked::ROOM as u64, 20).into_iter().for_each(|at| flip_at(&path, at));
    assert!(matches!(MarkFile::peek(&path), Err(StoreError::Corrupt { .. })));
}
