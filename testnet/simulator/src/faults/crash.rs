//! A node that loses its power at any moment.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let down = lasting(rng);
    rng.pick(&scene.alive()).map(|node| Action::Crash { node, down }).into_iter().collect()
}
