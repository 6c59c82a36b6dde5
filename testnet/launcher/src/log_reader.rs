//! Reading a node's log while somebody writes and rotates it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::LaunchError;
use crate::log_file::older;

/// A place in one node's log.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    current: File,
}

impl LogReader {
    /// Opens a log, and gives everything kept of it so far to `sink`.
    ///
    /// # Errors
    /// When there is none yet, or the system refuses to read it or to write.
    pub fn open(path: PathBuf, sink: &mut dyn Write) -> Result<Self, LaunchError> {
        let current = File::open(&path).map_err(LaunchError::io(&path, "open"))?;
        if let Ok(mut before) = File::open(older(&path)) {
            io::copy(&mut before, sink).map_err(LaunchError::io(&path, "copy"))?;
        }
        let mut reader = Self { path, current };
        reader.copy(sink)?;
        Ok(reader)
    }

    /// Gives what was added since to `sink`, across a rotation.
    ///
    /// # Errors
    /// When the system refuses to read or to write.
    pub fn copy(&mut self, sink: &mut dyn Write) -> Result<(), LaunchError> {
        self.copy_current(sink)?;
        if self.is_rotated() {
            // The old file may have had its last lines between the copy and the look.
            self.copy_current(sink)?;
            self.current = File::open(&self.path).map_err(LaunchError::io(&self.path, "open"))?;
            self.copy_current(sink)?;
        }
        Ok(())
    }

    fn copy_current(&mut self, sink: &mut dyn Write) -> Result<(), LaunchError> {
        // Bounded, so that a node that logs faster than it is read cannot hold the caller for ever.
        let mut part = (&mut self.current).take(4 * crate::log_file::MAX_BYTES);
        io::copy(&mut part, sink).and_then(|_| sink.flush()).map_err(LaunchError::io(&self.path, "copy"))
    }

    fn is_rotated(&self) -> bool {
        inode(&self.path) != self.current.metadata().map(|meta| meta.ino()).ok() && self.path.exists()
    }
}

fn inode(path: &Path) -> Option<u64> {
    std::fs::metadata(path).map(|meta| meta.ino()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layout;

    #[test]
    fn follows_across_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        let path = layout.log(1);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(older(&path), "zero\n").unwrap();
        std::fs::write(&path, "one\n").unwrap();
        let mut seen = Vec::new();
        let mut reader = LogReader::open(layout.log(1), &mut seen).unwrap();
        assert_eq!(seen, b"zero\none\n");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        std::fs::rename(&path, older(&path)).unwrap();
        std::fs::write(&path, "three\n").unwrap();
        reader.copy(&mut seen).unwrap();
        assert_eq!(seen, b"zero\none\ntwo\nthree\n");
    }

    #[test]
    fn no_log_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = LogReader::open(Layout::new(dir.path()).log(3), &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("replica-3/log/node.log"), "{error}");
    }
}
