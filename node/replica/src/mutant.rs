//! Bugs put back on purpose, one at a time, so that the harness can prove it would have caught them.

#[cfg(not(debug_assertions))]
compile_error!("the feature `mutants` holds deliberate safety bugs and must not be in a release build");

/// A deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A batch commits with one COMMIT too few: 2f at n = 3f + 1.
    CommitQuorumTooSmall,
    /// A backup believes a NEW-VIEW's re-proposals without recomputing them.
    ReproposalsNotRecomputed,
    /// A vote leaves before the record that it depends on is durable.
    VoteBeforeFsync,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CommitQuorumTooSmall, Self::ReproposalsNotRecomputed, Self::VoteBeforeFsync];
}
