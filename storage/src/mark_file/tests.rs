#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use super::file::{find, replace, take};
use super::reading::Medium;
use super::slot::{BLOCK, FILE};
use super::{MarkFile, Slot, Writer};
use crate::{HighWaterMark, Mark, Marked, StoreError};

fn marked(index: u64) -> Marked {
    Marked { mark: Mark { index, chain: [index as u8; 32] }, tail: vec![vec![index as u8; 60_000]] }
}

fn held(path: &Path) -> Option<Marked> {
    find(path, &File::open(path).unwrap()).unwrap().into_slot().held
}

/// A file of which these blocks cannot be read.
struct Worn {
    file: File,
    blocks: Vec<u64>,
}

impl Medium for Worn {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_some(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let end = offset + bytes.len() as u64;
        let blocks = offset / BLOCK as u64..end.div_ceil(BLOCK as u64);
        if self.blocks.iter().any(|block| blocks.contains(block)) {
            return Err(io::Error::other("it was told not to be readable"));
        }
        self.file.read_some(bytes, offset)
    }
}

/// What is found where these blocks cannot be read.
fn worn(path: &Path, blocks: Vec<u64>) -> Result<Option<Marked>, StoreError> {
    let medium = Worn { file: File::open(path).unwrap(), blocks };
    find(path, &medium).map(|found| found.into_slot().held)
}

#[test]
fn after_a_failed_write_it_takes_no_more() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mark");
    for is_beside in [false, true] {
        let mut file = MarkFile::open(&path).unwrap();
        // Nobody writes to a file that is open for reading.
        file.writer = Writer::start(File::open(&path).unwrap()).unwrap();
        let mut done = 0;
        let mut count = || {
            done += 1;
            Ok(())
        };
        let error = match is_beside {
            true => file.advance_beside(marked(1), Box::new(&mut count)),
            false => file.advance(marked(1).mark),
        };
        assert!(matches!(error, Err(StoreError::Io { .. })), "{error:?}");
        assert_eq!(file.advance(marked(2).mark), Err(StoreError::Poisoned));
        assert_eq!(file.advance_beside(marked(2), Box::new(&mut count)), Err(StoreError::Poisoned));
        assert_eq!((done, file.read()), (u32::from(is_beside), Ok(None)));
        drop(file);
        assert_eq!(held(&path), None);
    }
}

/// The mark is not on the disk before what is beside it has begun: in front of it, that would never begin.
#[test]
fn what_is_beside_it_does_not_wait_for_it() {
    let place = tempfile::tempdir().unwrap();
    let mut file = MarkFile::create(&place.path().join("mark")).unwrap();
    let (begun, wait) = channel();
    let wait = Mutex::new(wait);
    let write = move |_: &Slot| wait.lock().unwrap().recv_timeout(Duration::from_secs(300)).map_err(io::Error::other);
    file.writer = Writer::with(write).unwrap();
    let beside = || {
        begun.send(()).unwrap();
        Ok(())
    };
    file.advance_beside(marked(1), Box::new(beside)).unwrap();
    assert_eq!(file.read(), Ok(Some(marked(1))));
}

/// Both are durable when it returns: it waits for the slower one.
#[test]
fn it_waits_for_a_mark_that_takes_long() {
    let place = tempfile::tempdir().unwrap();
    let mut file = MarkFile::create(&place.path().join("mark")).unwrap();
    let written = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&written);
    let write = move |_: &Slot| {
        sleep(Duration::from_millis(100));
        done.store(true, Ordering::SeqCst);
        Ok(())
    };
    file.writer = Writer::with(write).unwrap();
    file.advance_beside(marked(1), Box::new(|| Ok(()))).unwrap();
    assert!(written.load(Ordering::SeqCst));
}

#[test]
fn of_two_failures_the_one_beside_it_is_told() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mark");
    let mut file = MarkFile::open(&path).unwrap();
    file.writer = Writer::start(File::open(&path).unwrap()).unwrap();
    let error = StoreError::Full { doing: "Writing a batch".to_owned(), reason: "it was told to".to_owned() };
    assert_eq!(file.advance_beside(marked(1), Box::new(|| Err(error.clone()))), Err(error));
    assert_eq!(file.advance(marked(2).mark), Err(StoreError::Poisoned));
}

#[test]
fn dropping_it_waits_for_what_was_begun_and_lets_go_of_the_file() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mark");
    for index in 1..=20 {
        let file = MarkFile::open(&path).unwrap();
        let next = file.newest.next(marked(index));
        drop(file.writer.begin(next).unwrap());
        drop(file);
        assert_eq!(held(&path), Some(marked(index)));
    }
}

/// A page that the kernel never wrote, or could not, is read like any other until the power fails.
#[test]
fn what_opening_it_answers_is_written_again() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mark");
    let mut file = MarkFile::create(&path).unwrap();
    file.advance_beside(marked(1), Box::new(|| Ok(()))).unwrap();
    drop(file);
    File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let file = MarkFile::open(&path).unwrap();
    assert_ne!(fs::metadata(&path).unwrap().modified().unwrap(), SystemTime::UNIX_EPOCH);
    assert_eq!(file.read(), Ok(Some(marked(1))));
}

#[test]
fn a_file_that_was_replaced_since_it_was_found_is_not_taken() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mark");
    drop(MarkFile::create(&path).unwrap());
    let found = || File::options().read(true).write(true).open(&path).unwrap();
    let (before, slot) = (found(), Slot { counter: 4, held: Some(marked(4)) });
    drop(replace(&path, &slot).unwrap());
    assert_eq!(take(&path, before).err(), Some(StoreError::Locked { path: path.clone() }));
    take(&path, found()).unwrap();
}

#[test]
fn a_block_that_cannot_be_read_costs_no_more_than_the_copy_in_it() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mark");
    let mut file = MarkFile::create(&path).unwrap();
    for last in 1..=3 {
        file.advance_with(marked(last)).unwrap();
        for block in 0..FILE / BLOCK as u64 {
            assert_eq!(worn(&path, vec![block]), Ok(Some(marked(last))), "{block}");
        }
    }
}

/// It may have been the newest.
#[test]
fn a_slot_that_cannot_be_read_at_all_leaves_no_mark() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mark");
    let mut file = MarkFile::create(&path).unwrap();
    (1..=2).for_each(|last| file.advance_with(marked(last)).unwrap());
    let blocks = FILE / BLOCK as u64;
    for middle in [blocks / 4, blocks / 4 * 3] {
        let error = worn(&path, vec![middle - 1, middle]);
        assert!(matches!(error, Err(StoreError::Corrupt { .. })), "{error:?}");
        let beyond_the_copies = vec![middle - 17, middle + 16];
        assert_eq!(worn(&path, beyond_the_copies), Ok(Some(marked(2))));
    }
    assert!(matches!(worn(&path, (0..blocks).collect()), Err(StoreError::Corrupt { .. })));
}
