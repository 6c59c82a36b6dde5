//! The mark in its file: durable, alternating, never backwards.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use support::mark;
use tempfile::TempDir;
use tetrarch_storage::{HighWaterMark, Mark, MarkFile, MemoryMark, StoreError};

/// Where the slots are, and how long what is in them.
const SLOTS: [u64; 2] = [0, 4096];
const RECORD: u64 = 89;

fn fresh() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mark");
    (directory, path)
}

fn advanced_through(path: &Path, last: u64) {
    let mut file = MarkFile::open(path).unwrap();
    for index in 1..=last {
        file.advance(mark(index)).unwrap();
    }
}

fn read_again(path: &Path) -> Result<Option<Mark>, StoreError> {
    MarkFile::open(path)?.read()
}

fn flip(path: &Path, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
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
    assert_eq!(made.read(), Ok(Some(Mark::ORIGIN)));
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
    let stores: [Box<dyn HighWaterMark>; 2] = [Box::new(MarkFile::open(&path).unwrap()), Box::<MemoryMark>::default()];
    for mut store in stores {
        store.advance(mark(5)).unwrap();
        store.advance(mark(5)).unwrap();
        assert_eq!(store.advance(mark(4)), Err(StoreError::MarkBehind { held: 5, offered: 4 }));
        assert_eq!(store.advance(fork), Err(StoreError::MarkBehind { held: 5, offered: 5 }), "another history");
        store.advance(mark(9)).unwrap();
        assert_eq!(store.read(), Ok(Some(mark(9))));
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
            flip(&path, SLOTS[last as usize % 2] + byte);
            assert_eq!(read_again(&path), Ok(Some(mark(last - 1))), "byte {byte}");
        }
    }
}

#[test]
fn a_flipped_byte_of_the_older_slot_changes_nothing() {
    let (_directory, path) = fresh();
    advanced_through(&path, 5);
    flip(&path, SLOTS[0] + 20);
    assert_eq!(read_again(&path), Ok(Some(mark(5))));
}

#[test]
fn after_a_torn_slot_it_goes_on_without_touching_the_good_one() {
    let (_directory, path) = fresh();
    advanced_through(&path, 5);
    flip(&path, SLOTS[1]);
    MarkFile::open(&path).unwrap().advance(mark(6)).unwrap();
    assert_eq!(read_again(&path), Ok(Some(mark(6))));
    flip(&path, SLOTS[1]);
    assert_eq!(read_again(&path), Ok(Some(mark(4))), "slot 1 was the one written again");
}

#[test]
fn a_cut_second_slot_leaves_the_first() {
    for length in [4096, 4097, 4096 + RECORD - 1] {
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
    let zeroes = vec![0; 8192];
    let damages: [&dyn Fn(&Path); 4] = [
        &|path| SLOTS.iter().for_each(|slot| flip(path, slot + 17)),
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
        assert!(error.to_string().contains("neither of its two slots"), "{error}");
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
    assert_eq!(second.read(), Ok(Some(mark(3))));
}

#[test]
fn it_is_peeked_at_while_it_is_open() {
    let (directory, path) = fresh();
    assert_eq!(MarkFile::peek(&path), Ok(None));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "and not made");
    let mut file = MarkFile::open(&path).unwrap();
    assert_eq!(MarkFile::peek(&path), Ok(None));
    file.advance(mark(3)).unwrap();
    assert_eq!(MarkFile::peek(&path), Ok(Some(mark(3))));
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
    flip(&path, SLOTS[0]);
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
