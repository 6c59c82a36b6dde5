//! The lights go out everywhere at once. They come back one by one.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    scene.alive().into_iter().map(|node| Action::Crash { node, down: lasting(rng) }).collect()
}
