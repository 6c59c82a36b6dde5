//! A wall clock that jumps, forwards or backwards, and jumps back when somebody notices. From further off than the protocol allows,
//! its owner refuses everyone's stamps and everyone refuses its own.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

/// Microseconds: hardly noticed, within the protocol's bound, beyond it, a time zone off.
const JUMPS: [i64; 5] = [50_000, 1_000_000, 8_000_000, 60_000_000, 3_600_000_000];

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let by = rng.one_of(JUMPS);
    let ahead = if rng.chance(5_000) { by } else { -by };
    let lasting = lasting(rng);
    scene.victim(rng).map(|node| Action::SetClock { node, ahead, lasting }).into_iter().collect()
}
