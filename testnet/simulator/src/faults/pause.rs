//! A node that stands still for a while, as under a debugger or a virtual machine's migration.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let lasting = lasting(rng);
    rng.pick(&scene.alive()).map(|node| Action::Pause { node, lasting }).into_iter().collect()
}
