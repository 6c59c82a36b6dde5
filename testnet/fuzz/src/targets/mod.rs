//! The targets, one a file.

mod certificates;
mod chunks;
mod core;
mod decode;
mod journal;
mod keys;
mod view_changes;

/// How far an input got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// No further than a decoder, which refused it.
    Unread,
    /// It was read and judged, and refused or ignored.
    Refused,
    /// It was accepted, or made something happen.
    Accepted,
}

impl Reach {
    /// Whether what was read was accepted.
    const fn of(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }
}

/// One target.
pub struct Target {
    /// Its name: of the file, the corpus and the command line.
    pub name: &'static str,
    /// Runs one input to its end; how far it got.
    ///
    /// # Panics
    /// When something does not hold: that is a finding.
    pub run: fn(&[u8]) -> Reach,
    /// Inputs that reach deep, to begin with; the longest ones of some kilobytes.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The longest input worth trying, in bytes.
    pub longest: usize,
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "decode", run: decode::run, seeds: decode::seeds, longest: 8_192 },
    Target { name: "certificates", run: certificates::run, seeds: none, longest: 128 },
    Target { name: "view_changes", run: view_changes::run, seeds: none, longest: 512 },
    Target { name: "chunks", run: chunks::run, seeds: none, longest: 512 },
    Target { name: "journal", run: journal::run, seeds: none, longest: 1_024 },
    Target { name: "core", run: core::run, seeds: core::seeds, longest: 1_024 },
    Target { name: "keys", run: keys::run, seeds: keys::seeds, longest: 2_048 },
];

/// The target of this name.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Any bytes are a good beginning.
const fn none() -> Vec<Vec<u8>> {
    Vec::new()
}
