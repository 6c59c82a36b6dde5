//! What befalls a disk while its node is down: the node comes back to something else than what it left.

use super::{Action, Scene, lasting};
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
    /// A bit of a journal entry is another.
    FlipJournal,
    /// A row of some other table cannot be read.
    Rot,
    /// A bit of a row in a snapshot is another.
    FlipSnapshot,
}

impl Harm {
    /// Whether records of the replica's own votes go with it: such a replica counts as faulty.
    pub const fn takes_votes(self) -> bool {
        !matches!(self, Self::Rot | Self::FlipSnapshot)
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
