//! Everything that happened, as a hash, and as lines where somebody wants to read them.

use std::fmt;

use sha2::{Digest, Sha256};
use tetrarch_types::Time;

/// The running trace of one run.
#[derive(Default)]
pub struct Trace {
    hash: Sha256,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty trace; it keeps its lines if `readable`.
    pub fn new(readable: bool) -> Self {
        Self { hash: Sha256::new(), lines: readable.then(Vec::new) }
    }

    /// Notes something by what identifies it.
    pub fn note(&mut self, at: Time, tag: &[u8; 4], parts: &[&[u8]], line: impl FnOnce() -> String) {
        self.hash.update(at.as_micros().to_le_bytes());
        self.hash.update(tag);
        for part in parts {
            self.hash.update(part);
        }
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>10.3} ms  {}", at.as_micros() as f64 / 1_000.0, line()));
        }
    }

    /// Notes something by the form in which it is shown.
    pub fn note_shown(&mut self, at: Time, tag: &[u8; 4], shown: fmt::Arguments<'_>) {
        let text = shown.to_string();
        self.note(at, tag, &[text.as_bytes()], || text.clone());
    }

    /// The hash so far, and the lines.
    pub fn finish(self) -> ([u8; 32], Vec<String>) {
        (self.hash.finalize().into(), self.lines.unwrap_or_default())
    }
}
