//! A node that loses its power between the parts of a turn: where a vote that left too early shows.

use super::{Action, CrashPoint, Scene, lasting};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let down = lasting(rng);
    let held = rng.index(4);
    let point = rng.one_of([CrashPoint::BeforeWrite, CrashPoint::DuringSync, CrashPoint::AfterSync(held)]);
    let primary_too = rng.chance(3_000).then_some(scene.primary);
    let node = primary_too.or_else(|| rng.pick(&scene.alive()));
    node.map(|node| Action::CrashInTurn { node, point, down }).into_iter().collect()
}
