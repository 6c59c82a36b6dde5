//! The replica.

use tetrarch_types::{Applied, Now, SeqNum, Time, View};

use crate::{Config, Effects, Input, Record};

/// A journal that no honest run of this replica could have written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal contradicts itself at record {position}: {what}")]
pub struct Corrupt {
    /// Which record, counted from the first one read.
    pub position: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Where a replica stands, for checkers, admin and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// The view it is in, or moves to.
    pub view: View,
    /// Whether it waits for that view's NEW-VIEW.
    pub changing: bool,
    /// The last batch that execution reported done.
    pub executed: SeqNum,
    /// The stable checkpoint.
    pub stable: SeqNum,
    /// The highest checkpoint or commit certificate's number that it knows of; above `executed` while it is behind.
    pub known: SeqNum,
    /// Transactions that wait in the pool.
    pub pending: usize,
    /// Whether it has stopped voting because its state differs from a stable checkpoint.
    pub halted: bool,
}

/// One replica.
pub struct Replica {
    #[expect(dead_code, reason = "under construction")]
    config: Config,
}

impl Replica {
    /// Rebuilds a replica from what is durable: execution's state and the journal's records in order.
    ///
    /// # Errors
    /// [`Corrupt`] when the records contradict each other.
    pub fn recover(
        config: Config,
        _applied: Applied,
        _records: impl IntoIterator<Item = Record>,
    ) -> Result<Self, Corrupt> {
        Ok(Self { config })
    }

    /// Takes one input and adds the effects that follow from it. Cannot fail and cannot panic on anything a peer can send (law 2).
    pub fn step(&mut self, _now: Now, _input: Input, _effects: &mut Effects) {}

    /// When [`Input::Deadline`] is due next. An instant that has passed, or `Time::ZERO`, is due as soon as no other input waits.
    pub fn deadline(&self) -> Option<Time> {
        None
    }

    /// Where it stands.
    pub fn status(&self) -> ReplicaStatus {
        unreachable!("under construction")
    }
}
