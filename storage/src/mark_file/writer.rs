//! Writing slots on a thread of its own, so that the disk syncs the mark while it syncs what is beside it.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::slot::Slot;

/// Writes and syncs one slot after the other. It holds the file, and with it the lock; dropping it waits until both are gone.
#[derive(Debug)]
pub(super) struct Writer {
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
    pub(super) fn with(write: impl FnMut(&Slot) -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(1);
        let thread = Builder::new().name("tetrarch-mark".to_owned()).spawn(move || work(&waiting, write))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Begins to write a slot, at its place.
    pub(super) fn begin(&self, slot: Slot) -> io::Result<Begun> {
        let (done, begun) = sync_channel(1);
        let taken = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { slot, done }).is_ok());
        if taken { Ok(Begun(begun)) } else { Err(ended()) }
    }

    /// Writes a slot, and gives it back when it is durable.
    pub(super) fn write(&self, slot: Slot) -> io::Result<Slot> {
        self.begin(slot)?.finish()
    }
}

impl Begun {
    /// Waits until it is durable, and gives it back.
    pub(super) fn finish(self) -> io::Result<Slot> {
        self.0.recv().unwrap_or_else(|_| Err(ended()))
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

fn work(waiting: &Receiver<Job>, mut write: impl FnMut(&Slot) -> io::Result<()>) {
    for Job { slot, done } in waiting {
        let written = write(&slot).map(|()| slot);
        // Who began it may have gone meanwhile.
        done.send(written).ok();
    }
}
