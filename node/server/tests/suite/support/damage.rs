//! Damage to the files of a stopped node.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tetrarch_kv::KvMachine;
use tetrarch_server::tables;
use tetrarch_storage::{RocksStore, Table};

/// What every table file says about itself; a little behind it come this word and the table's name.
const PROPERTY: &[u8] = b"column.family.id";
const NAME: &[u8] = b"name";

/// Writes everything that is in the log into table files.
pub(crate) fn settle(data_dir: &Path) {
    let tables = tables(&KvMachine);
    let store = RocksStore::open(&data_dir.join("db"), &tables).unwrap();
    tables.iter().for_each(|table| store.compact(*table).unwrap());
}

/// The names of all tables of which there are files.
pub(crate) fn tables_with_files(data_dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = files(data_dir, "sst").iter().map(|path| table_of(path)).collect();
    names.sort();
    names.dedup();
    names
}

/// A table's files.
pub(crate) fn files_of(data_dir: &Path, table: &str) -> Vec<PathBuf> {
    files(data_dir, "sst").into_iter().filter(|path| table_of(path) == table).collect()
}

/// The files of the database with this extension.
pub(crate) fn files(data_dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(data_dir.join("db")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// Of which table a table file is.
pub(crate) fn table_of(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let at = bytes.windows(PROPERTY.len()).rposition(|window| window == PROPERTY).unwrap();
    let behind = &bytes[at + PROPERTY.len()..];
    let name = &behind[behind.windows(NAME.len()).position(|window| window == NAME).unwrap() + NAME.len()..];
    let is_named = |table: &&Table| name.starts_with(table.name().as_bytes());
    tables(&KvMachine).iter().find(is_named).unwrap().name().to_owned()
}

/// Changes a byte. Table files, logs and marks begin with what matters; a link elsewhere to the same file keeps its bytes.
pub(crate) fn flip(path: &Path, at: u64) {
    let copy = path.with_extension("copy");
    fs::copy(path, &copy).unwrap();
    fs::rename(&copy, path).unwrap();
    flip_in_place(path, at);
}

/// Changes a byte wherever the file has a name.
pub(crate) fn flip_in_place(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// Cuts the log off inside the write that has these bytes in it. A part of them is enough: a block's end may come between.
pub(crate) fn cut_behind(data_dir: &Path, bytes: &[u8; 32]) {
    let place = |log: &PathBuf| {
        let found = |part: &[u8]| fs::read(log).unwrap().windows(part.len()).rposition(|window| window == part);
        found(&bytes[..16]).or_else(|| found(&bytes[16..]))
    };
    let (log, at) = files(data_dir, "log").into_iter().find_map(|log| place(&log).map(|at| (log, at))).unwrap();
    OpenOptions::new().write(true).open(log).unwrap().set_len(at as u64).unwrap();
}

/// A copy of a directory, to be put back later.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let path = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &path),
            false => assert!(fs::copy(entry.path(), path).is_ok()),
        }
    }
}

/// The bytes of everything in a directory.
pub(crate) fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
