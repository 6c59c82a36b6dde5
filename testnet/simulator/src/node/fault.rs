//! What keeps a node from going on, and a write that is made to fail.

use std::time::Duration;

use tetrarch_kv::ExecuteError;
use tetrarch_storage::{FailureKind, JournalError, StoreError};

use super::Act;
use crate::faults::{WritePoint, forms};

/// What keeps a node from going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something cannot be read: the process ends, and a new one repairs it.
    Damaged(String),
    /// The disk took no more, as it was told to: the process votes no more and ends (rule D-6).
    Halted(Halt),
    /// A defect: no correct node meets that.
    Broken(String),
}

/// Why and for how long a node is down whose disk took no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// What it is counted under.
    pub name: &'static str,
    /// Whether there was no room; the power failed otherwise.
    pub is_full: bool,
    /// For how long it is down.
    pub down: Duration,
}

/// A write that is to fail: the next at a point, or one behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Where.
    pub point: WritePoint,
    /// Whether there is no room; the power fails otherwise.
    pub is_full: bool,
    /// How many writes there succeed first.
    pub passes: u64,
    /// For how long the node is down then.
    pub down: Duration,
}

impl Trap {
    /// How the store fails.
    pub const fn kind(&self) -> FailureKind {
        if self.is_full { FailureKind::Full } else { FailureKind::FsyncLost }
    }

    /// What comes of it.
    pub const fn halt(&self) -> Halt {
        let name = match (self.is_full, self.point) {
            (true, point) => point.name(),
            (false, WritePoint::Install) => forms::CRASH_IN_INSTALL,
            (false, _) => forms::CRASH_IN_START,
        };
        Halt { name, is_full: self.is_full, down: self.down }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { .. } => Self::Damaged(error.to_string()),
            // A simulated disk fails only when it is told to; where, the disk knows.
            StoreError::Full { .. } => Self::Halted(Halt { name: "", is_full: true, down: Duration::ZERO }),
            StoreError::Io { .. } => Self::Halted(Halt { name: "", is_full: false, down: Duration::ZERO }),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Store(error) => error.into(),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<ExecuteError> for Fault {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Store(error) => error.into(),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<Fault> for Act {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged(what) => Self::Damaged(what),
            Fault::Halted(halt) => Self::Halted(halt),
            Fault::Broken(what) => Self::Broken(what),
        }
    }
}
