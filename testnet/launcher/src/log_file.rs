//! What a node writes to its standard error, kept in a file that is rotated and bounded in size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, PipeReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::last_words::LastWords;

/// How large the current file grows. One older file of that size is kept beside it.
pub(crate) const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// One node's log.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
    ends_line: bool,
    recent: LastWords,
}

impl LogFile {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, MAX_BYTES)
    }

    fn with_limit(path: &Path, limit: u64) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let file = append(path)?;
        let size = file.metadata()?.len();
        let inner = Inner { path: path.into(), file, size, limit, ends_line: true, recent: LastWords::default() };
        Ok(Self { inner: Arc::new(Mutex::new(inner)) })
    }

    /// Adds a line of the launcher's own.
    pub(crate) fn note(&self, text: &str) {
        self.locked().write(format!("tetrarch-launcher: {text}\n").as_bytes());
    }

    /// Forgets what an earlier process said.
    pub(crate) fn forget(&self) {
        self.locked().recent = LastWords::default();
    }

    /// The last error that it reported, or else the last line that says something.
    pub(crate) fn last_words(&self) -> Option<String> {
        self.locked().recent.quote()
    }

    /// Writes everything that comes through a pipe, on a thread of its own, until the pipe is closed; the receiver hears of that.
    /// A full disk loses log lines and never blocks the node.
    pub(crate) fn drain(&self, mut pipe: PipeReader) -> io::Result<oneshot::Receiver<()>> {
        let (done, drained) = oneshot::channel();
        let log = self.clone();
        std::thread::Builder::new().name("node log".into()).spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                match pipe.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => log.locked().write(buffer.get(..count).unwrap_or_default()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            let _ = done.send(());
        })?;
        Ok(drained)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, bytes: &[u8]) {
        let size = self.size.saturating_add(bytes.len() as u64);
        // Between two lines if that can be had, in the middle of an endless one if not.
        if size > self.limit && (self.ends_line || size > self.limit.saturating_mul(2)) {
            self.rotate();
        }
        if self.file.write_all(bytes).is_ok() {
            self.size = self.size.saturating_add(bytes.len() as u64);
        }
        self.ends_line = bytes.last() == Some(&b'\n');
        self.recent.hear(bytes);
    }

    fn rotate(&mut self) {
        if fs::rename(&self.path, older(&self.path)).is_err() {
            return;
        }
        if let Ok(file) = append(&self.path) {
            self.file = file;
            self.size = 0;
        }
    }
}

/// Where a log's older text goes.
pub(crate) fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_twice_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log").join("node.log");
        let log = LogFile::with_limit(&path, 1000).unwrap();
        for number in 0..500 {
            log.locked().write(format!("line {number}\n").as_bytes());
        }
        let current = fs::read_to_string(&path).unwrap();
        let before = fs::read_to_string(older(&path)).unwrap();
        assert!(current.len() <= 1000 && before.len() <= 1000);
        assert!(current.ends_with("line 499\n"));
        let first = current.lines().next().unwrap();
        let number: u32 = first.strip_prefix("line ").unwrap().parse().unwrap();
        assert!(before.ends_with(&format!("line {}\n", number - 1)), "nothing is lost between the two files");
    }

    #[test]
    fn an_endless_line_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.log");
        let log = LogFile::with_limit(&path, 1000).unwrap();
        for _ in 0..100 {
            log.locked().write(&[b'x'; 100]);
        }
        assert!(fs::metadata(&path).unwrap().len() <= 2000);
        assert!(fs::metadata(older(&path)).unwrap().len() <= 2000);
    }

    #[test]
    fn a_pipe_is_written_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.log");
        let log = LogFile::open(&path).unwrap();
        let (reader, mut writer) = io::pipe().unwrap();
        let drained = log.drain(reader).unwrap();
        writer.write_all(b"one\ntwo\n").unwrap();
        drop(writer);
        drained.blocking_recv().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
