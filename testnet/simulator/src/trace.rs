//! Everything that happened, as a hash; and as entries, where somebody wants to read them.

use std::fmt;

use sha2::{Digest, Sha256};
use tetrarch_types::Time;

use crate::recording::{Entry, Recorder, What};

/// The running trace of one run. What is recorded beside the hash never enters it: reading along changes nothing.
#[derive(Default)]
pub struct Trace {
    hash: Sha256,
    recorder: Option<Recorder>,
}

impl Trace {
    /// An empty trace; it keeps entries if it `is_read`.
    pub fn new(is_read: bool) -> Self {
        Self { hash: Sha256::new(), recorder: is_read.then(Recorder::default) }
    }

    /// Notes something by what identifies it.
    pub fn note(&mut self, at: Time, tag: &[u8; 4], parts: &[&[u8]]) {
        self.hash.update(at.as_micros().to_le_bytes());
        self.hash.update(tag);
        for part in parts {
            self.hash.update(part);
        }
    }

    /// Notes something by the form in which it is shown.
    pub fn note_shown(&mut self, at: Time, tag: &[u8; 4], shown: fmt::Arguments<'_>) {
        self.note(at, tag, &[]);
        // Hashing does not fail.
        let _ = fmt::write(&mut Hashed(&mut self.hash), shown);
    }

    /// Keeps an entry, which is only made if anybody reads it.
    pub fn record(&mut self, now: Time, what: impl FnOnce() -> What) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record(now, what());
        }
    }

    /// Whether anybody reads along.
    pub const fn is_read(&self) -> bool {
        self.recorder.is_some()
    }

    /// The hash, and the entries in order of time, of a run that ended at `end`.
    pub fn finish(self, end: Time) -> ([u8; 32], Vec<Entry>) {
        let entries = self.recorder.map(|recorder| recorder.finish(end)).unwrap_or_default();
        (self.hash.finalize().into(), entries)
    }
}

/// Hashes what is written.
struct Hashed<'a>(&'a mut Sha256);

impl fmt::Write for Hashed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}
