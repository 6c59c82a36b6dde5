//! A disk without room, met at each of the points where a node writes.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

/// A point where a node writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WritePoint {
    /// A turn's records.
    Journal,
    /// The high-water mark beside them.
    Mark,
    /// Forgetting records at a stable checkpoint.
    Discard,
    /// The effect of a batch.
    Batch,
    /// The snapshot of a checkpoint.
    Snapshot,
    /// A fetched state.
    Install,
    /// Anything that a start writes.
    Start,
}

impl WritePoint {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Journal, Self::Mark, Self::Discard, Self::Batch, Self::Snapshot, Self::Install, Self::Start];

    /// What a full disk there is counted under, beside the fault itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Journal => "full-disk-journal",
            Self::Mark => "full-disk-mark",
            Self::Discard => "full-disk-discard",
            Self::Batch => "full-disk-batch",
            Self::Snapshot => "full-disk-snapshot",
            Self::Install => "full-disk-install",
            Self::Start => "full-disk-start",
        }
    }
}

/// Some points at a time, of which the rarer ones may be met much later.
pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let (down, points) = (lasting(rng), rng.sample(&WritePoint::ALL, 3));
    let fill = |node| points.iter().map(move |point| Action::Fill { node, point: *point, down });
    scene.victim(rng).map(fill).into_iter().flatten().collect()
}
