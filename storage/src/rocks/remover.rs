//! Deleting directories on a thread of its own.
//!
//! Files of a snapshot that the database has merged away meanwhile are the snapshot's alone: with it they go from the disk, which takes some
//! file systems tens of milliseconds a file. Whoever executes batches must not wait for that.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use crate::files::{remove_if_there, sync_parent};

/// Directories that wait for the thread. Who brings more waits for it, so that the disk keeps up.
const WAITING: usize = 4;

/// Deletes what it is given, in that order. Dropping it waits until all of that is gone.
pub(super) struct Remover {
    doomed: Option<SyncSender<PathBuf>>,
    thread: Option<JoinHandle<()>>,
    /// What the disk said to the last directory that could not be deleted, until it is told.
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Remover {
    pub(super) fn start() -> io::Result<Self> {
        let (doomed, waiting) = sync_channel(WAITING);
        let failed = Arc::new(Mutex::default());
        let told = Arc::clone(&failed);
        let thread = Builder::new().name("tetrarch-remove".to_owned()).spawn(move || work(&waiting, &told))?;
        Ok(Self { doomed: Some(doomed), thread: Some(thread), failed })
    }

    /// Deletes a directory soon: one that was renamed to this, by a name that nothing is looked for under.
    ///
    /// # Errors
    /// Why an earlier one could not be deleted; this one is taken all the same.
    pub(super) fn remove(&self, directory: PathBuf) -> io::Result<()> {
        if let Some(doomed) = &self.doomed {
            // The thread ends only behind this, unless it panicked: then the directory is swept when the store opens.
            doomed.send(directory).ok();
        }
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

impl Drop for Remover {
    fn drop(&mut self) {
        self.doomed = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn work(waiting: &Receiver<PathBuf>, failed: &Mutex<Option<io::Error>>) {
    for directory in waiting {
        if let Err(error) = delete(&directory) {
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

/// Its new name lasts before anything in it goes: after a power failure it is whole under the old name, or has none.
fn delete(directory: &Path) -> io::Result<()> {
    sync_parent(directory)?;
    remove_if_there(directory)?;
    sync_parent(directory)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

    use std::fs;

    use super::{Remover, WAITING};

    #[test]
    fn dropping_it_waits_until_all_are_gone() {
        let place = tempfile::tempdir().unwrap();
        let remover = Remover::start().unwrap();
        for number in 0..3 * WAITING {
            let directory = place.path().join(number.to_string());
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("file"), vec![7; 1 << 16]).unwrap();
            remover.remove(directory).unwrap();
        }
        drop(remover);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_could_not_be_deleted_is_said_with_the_next() {
        let place = tempfile::tempdir().unwrap();
        let remover = Remover::start().unwrap();
        let file = place.path().join("no directory");
        fs::write(&file, "").unwrap();
        remover.remove(file.clone()).unwrap();
        // More than can wait: the first is done with.
        let said: Vec<_> = (0..2 + WAITING).filter_map(|_| remover.remove(place.path().join("gone")).err()).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        drop(remover);
        assert!(file.exists());
    }
}
