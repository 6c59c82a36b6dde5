//! Files of a database, and damaging them.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The files of that extension, oldest first.
pub(crate) fn with_extension(path: &Path, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

pub(crate) fn newest_with(path: &Path, extension: &str) -> PathBuf {
    with_extension(path, extension).pop().unwrap()
}

/// The one file whose name begins so.
pub(crate) fn only_with(path: &Path, start: &str) -> PathBuf {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start)).max().unwrap()
}

/// Flips a bit of the byte at that part of the file.
pub(crate) fn flip(path: &Path, part: f64) {
    flip_at(path, (fs::metadata(path).unwrap().len() as f64 * part) as u64);
}

/// Flips a bit of that byte of the file.
pub(crate) fn flip_at(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}
