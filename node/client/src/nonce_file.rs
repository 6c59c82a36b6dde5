//! The nonces of a key that must not be used twice, whatever becomes of the process.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// How many nonces are set aside at once: one write to disk for so many transactions. What is left of them when the process dies is skipped, which
/// is harmless as long as it is far less than the window of nonces that replicas remember.
const BLOCK: u64 = 256;

/// The most that is read of the file, in bytes.
const MAX_BYTES: u64 = 64;

/// A file beside a key that says below which number nonces may have been used. It is written before any of them is, so that whoever starts anew goes
/// on above, and never signs something else under a nonce that is still on its way.
#[derive(Debug)]
pub struct NonceFile {
    path: PathBuf,
    /// Nonces below may have been used.
    reserved: u64,
    /// Held as long as this is: the key is in use.
    _lock: File,
}

/// Why a key's nonces cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum NonceFileError {
    /// Somebody else signs with the key.
    #[error("the key {} is in use by another process; stop that one, or use a key of your own", key.display())]
    InUse {
        /// The key's file.
        key: PathBuf,
    },
    /// What stands there is no number.
    #[error("{} does not say which nonces were used; remove it when nothing signs with this key, and the replicas are asked instead", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The program ends in the middle of it.
    #[error("the process is ending; start it again")]
    Interrupted,
    /// The system refuses.
    #[error("cannot {doing} {}: {source}; check the path, its permissions and the room on the disk", path.display())]
    Io {
        /// What was tried: a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl NonceFile {
    /// Locks a key's file, and opens the one beside it, `KEY.nonces`, which need not be there.
    ///
    /// # Errors
    /// If another process has the key, or a file cannot be read.
    pub fn open(key: &Path) -> Result<Self, NonceFileError> {
        let lock = File::open(key).map_err(failed("open", key))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => NonceFileError::InUse { key: key.into() },
            TryLockError::Error(source) => failed("lock", key)(source),
        })?;
        let path = beside(key, ".nonces");
        let reserved = read(&path)?;
        Ok(Self { path, reserved, _lock: lock })
    }

    /// The highest nonce that may have been used.
    pub(crate) const fn highest(&self) -> Option<u64> {
        self.reserved.checked_sub(1)
    }

    /// Makes sure that a nonce is set aside before it is used. Writes to the disk now and then, and waits for that.
    pub(crate) fn reserve(&mut self, nonce: u64) -> Result<(), NonceFileError> {
        if nonce < self.reserved {
            return Ok(());
        }
        let reserved = nonce.saturating_add(BLOCK);
        write(&self.path, reserved).map_err(failed("write", &self.path))?;
        self.reserved = reserved;
        Ok(())
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> NonceFileError {
    let path = path.into();
    move |source| NonceFileError::Io { doing, path, source }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn read(path: &Path) -> Result<u64, NonceFileError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        opened => opened.map_err(failed("open", path))?,
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => NonceFileError::Damaged { path: path.into() },
        _ => failed("read", path)(error),
    })?;
    text.trim().parse().map_err(|_| NonceFileError::Damaged { path: path.into() })
}

/// The old number stays until the new one is on the disk.
fn write(path: &Path, reserved: u64) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut file = File::create(&new)?;
    file.write_all(format!("{reserved}\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(dir: &tempfile::TempDir) -> PathBuf {
        let key = dir.path().join("gateway.pem");
        std::fs::write(&key, "a key").unwrap();
        key
    }

    #[test]
    fn what_may_have_been_used_is_known_to_whoever_comes_next() {
        let dir = tempfile::tempdir().unwrap();
        let key = key(&dir);
        let mut first = NonceFile::open(&key).unwrap();
        assert_eq!(first.highest(), None);
        first.reserve(7).unwrap();
        first.reserve(200).unwrap();
        drop(first);
        let mut second = NonceFile::open(&key).unwrap();
        assert_eq!(second.highest(), Some(7 + BLOCK - 1), "one write for many");
        second.reserve(7 + BLOCK).unwrap();
        drop(second);
        assert_eq!(NonceFile::open(&key).unwrap().highest(), Some(7 + 2 * BLOCK - 1));
    }

    #[test]
    fn one_process_has_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let key = key(&dir);
        let _first = NonceFile::open(&key).unwrap();
        assert!(matches!(NonceFile::open(&key), Err(NonceFileError::InUse { .. })));
    }

    #[test]
    fn a_damaged_file_is_refused_and_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let key = key(&dir);
        for garbage in [&b""[..], b"many", b"\xff\xff", b"-1"] {
            std::fs::write(beside(&key, ".nonces"), garbage).unwrap();
            let error = NonceFile::open(&key).unwrap_err();
            assert!(matches!(error, NonceFileError::Damaged { .. }), "{error}");
        }
    }

    #[test]
    fn nothing_is_used_that_could_not_be_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = NonceFile::open(&key(&dir)).unwrap();
        file.path = dir.path().join("gone").join("gateway.pem.nonces");
        assert!(matches!(file.reserve(0), Err(NonceFileError::Io { .. })));
        assert_eq!(file.highest(), None);
    }
}
