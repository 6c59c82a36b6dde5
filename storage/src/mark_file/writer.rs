//! Writing slots: on a thread of its own where something else is written beside them, so that the disk syncs both at once.

use std::fmt::{self, Debug, Formatter};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::slot::Slot;

/// How a slot is made durable.
type Write = dyn Fn(&Slot) -> io::Result<()> + Send + Sync;

/// Writes and syncs one slot after the other, here or on its thread. It holds the file, and with it the lock; dropping it waits until
/// both are gone.
pub(super) struct Writer {
    write: Arc<Write>,
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    slot: Slot,
    done: SyncSender<io::Result<Slot>>,
}

/// A slot that is being written.
pub(super) struct Begun(Receiver<io::Result<Slot>>);

impl Writer {
    pub(super) fn start(file: File) -> io::Result<Self> {
        Self::with(move |slot| {
            slot.write_to(&file)?;
            file.sync_data()
        })
    }

    /// One that makes a slot durable in this way.
    pub(super) fn with(write: impl Fn(&Slot) -> io::Result<()> + Send + Sync + 'static) -> io::Result<Self> {
        let write: Arc<Write> = Arc::new(write);
        let (jobs, waiting) = sync_channel(1);
        let there = Arc::clone(&write);
        let thread = Builder::new().name("tetrarch-mark".to_owned()).spawn(move || work(&waiting, &*there))?;
        Ok(Self { write, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Begins to write a slot, on the thread.
    pub(super) fn begin(&self, slot: Slot) -> io::Result<Begun> {
        let (done, begun) = sync_channel(1);
        let taken = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { slot, done }).is_ok());
        if taken { Ok(Begun(begun)) } else { Err(ended()) }
    }

    /// Writes a slot, and gives it back when it is durable.
    pub(super) fn write(&self, slot: Slot) -> io::Result<Slot> {
        (self.write)(&slot).map(|()| slot)
    }
}

impl Begun {
    /// Waits until it is durable, and gives it back.
    pub(super) fn finish(self) -> io::Result<Slot> {
        self.0.recv().unwrap_or_else(|_| Err(ended()))
    }
}

impl Debug for Writer {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        to.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("the thread that writes it has ended")
}

fn work(waiting: &Receiver<Job>, write: &Write) {
    for Job { slot, done } in waiting {
        let written = write(&slot).map(|()| slot);
        // Who began it may have gone meanwhile.
        done.send(written).ok();
    }
}
