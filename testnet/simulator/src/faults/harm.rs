//! What befalls a disk while its node is down: the node comes back to something else than what it left.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

/// What befalls a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Everything is gone.
    Wipe,
    /// Everything is gone, and somebody sets the replica up as if it were its first start.
    Reinit,
    /// An old copy of everything is put back.
    Restore,
    /// The high-water mark is gone.
    LoseMark,
    /// The journal's last entry is gone.
    CutJournal,
    /// A bit of the journal is another: of its base, or of an entry that is no vote.
    FlipJournal,
    /// A bit of the record of a vote is another.
    FlipVote,
    /// A journal entry lies at another's place.
    MisdirectJournal,
    /// A row of some other table cannot be read.
    Rot,
    /// A row of some other table lies at another's place.
    MisdirectTable,
    /// A bit of a row in a snapshot is another.
    FlipSnapshot,
    /// A row in a snapshot cannot be read.
    RotSnapshot,
    /// A row in a snapshot lies at another's place.
    MisdirectSnapshot,
}

impl Harm {
    /// What it is counted under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wipe => "wiped-disk",
            Self::Reinit => "second-init",
            Self::Restore => "restored-backup",
            Self::LoseMark => "lost-mark",
            Self::CutJournal => "cut-journal",
            Self::FlipJournal => "rot-journal",
            Self::FlipVote => "rot-vote",
            Self::MisdirectJournal => "misdirected-journal",
            Self::Rot => "rot-table",
            Self::MisdirectTable => "misdirected-table",
            Self::FlipSnapshot => "rot-snapshot",
            Self::RotSnapshot => "unreadable-snapshot",
            Self::MisdirectSnapshot => "misdirected-snapshot",
        }
    }

    /// Whether records of the replica's own votes go with it: such a replica counts as faulty.
    pub const fn takes_votes(self) -> bool {
        !matches!(
            self,
            Self::Rot | Self::MisdirectTable | Self::FlipSnapshot | Self::RotSnapshot | Self::MisdirectSnapshot
        )
    }

    /// Whether a node can tell by its own disk. If not, it has to be told by the others (rule A-1).
    pub const fn shows(self) -> bool {
        !matches!(self, Self::Reinit | Self::Restore)
    }
}

/// It strikes a node that is down for it.
pub(super) fn strike(harm: Harm, scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let down = lasting(rng);
    rng.pick(&scene.alive()).map(|node| Action::Harm { node, harm, down }).into_iter().collect()
}
