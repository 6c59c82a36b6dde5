//! A node that loses its power between the parts of a turn: where a vote that left too early shows.

use super::scene::lasting;
use super::{Action, CrashPoint, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let down = lasting(rng);
    let held = rng.index(4);
    let point = rng.one_of([CrashPoint::BeforeWrite, CrashPoint::DuringSync, CrashPoint::AfterSync(held)]);
    scene.victim(rng).map(|node| Action::CrashInTurn { node, point, down }).into_iter().collect()
}
